export interface PageViewOptions {
    /** Whether every change of the hash is a page. By default only routes are: `#/agenda`, `#!agenda`. */
    anyHash?: boolean | undefined;
}
/** @internal An address without share code and without what WeChat adds. */
export declare function cleanAddress(address: string): URL;
/** @internal Calls `listener` after each change of the address within the page. */
export declare function onNavigate(listener: () => void): void;
/** @internal Changes the address without being a navigation; the page's own state stays. */
export declare function replaceAddress(address: string): void;
/** @internal Acts when the page is shown: one that is only prepared may never be seen. */
export declare function whenShown(act: () => void): void;
/** @internal What is done already on this page, by any copy of the SDK: there may be two, by mistake or by a reload. */
export declare const marks: () => Set<string>;
/** Records a page view now and whenever another page is shown. Calling it again changes nothing. */
export declare function trackPageViews({ anyHash }?: PageViewOptions): void;
