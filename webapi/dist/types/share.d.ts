export interface LinkOptions {
    /** Where the link is passed on: `wechat`, `mail`, `poster`. */
    channel?: string | undefined;
    /** The page to share, absolute or relative; by default the one shown. */
    target?: string | undefined;
    /** The link is only shown yet: it counts as shared once somebody else opens it. */
    minted?: boolean | undefined;
}
export interface ShareOptions extends Omit<LinkOptions, 'minted'> {
    title?: string | undefined;
    text?: string | undefined;
}
/** The part of WeChat's JS-SDK that is used here. */
export interface WeChat {
    ready(act: () => void): void;
    updateAppMessageShareData(data: object): void;
    updateTimelineShareData(data: object): void;
}
export interface WeChatOptions extends Omit<LinkOptions, 'channel' | 'minted'> {
    title: string;
    desc?: string | undefined;
    imgUrl?: string | undefined;
}
/** A link of the visitor's own to the page shown, or to `target`; records the share. */
export declare function createShareLink({ channel, target, minted }?: LinkOptions): string;
/**
 * Opens the system's share sheet; call it in the handler of a tap. Returns whether the visitor shared; where there is
 * no such sheet, false.
 */
export declare function share({ channel, target, title, text }?: ShareOptions): Promise<boolean>;
/**
 * Tells WeChat's JS-SDK what its menu shares: a link of the visitor's own. WeChat does not say whether the menu was used,
 * so the codes count as shared when somebody opens them.
 */
export declare function prepareWeChat(wx: WeChat, { target, ...card }: WeChatOptions): void;
/** The address that `wx.config` needs a signature of: on iOS the first one of the page, elsewhere the one shown. */
export declare const weChatSignatureAddress: () => string;
/** What a form of ours wants to know besides what people fill in. */
export declare function registrationFields(): {
    visitor_id?: string;
    share_code?: string;
};
/** Puts `registrationFields()` into a form, as hidden fields. Forms with `data-meeteasy` are filled when they are sent. */
export declare function fillForm(form: HTMLFormElement): void;
/**
 * Records when the page was opened by a share link, and puts a code of the visitor's own into the address bar then: people
 * pass on what stands there, and so does WeChat's menu. Fills in what registrations and forms need.
 */
export declare function followShares(): void;
