export type * from './generated/events.js'
export type { Options, Problem, SentEvent } from './options.js'
export type { PageViewOptions } from './pages.js'
export { flush, init, optIn, optOut, reset, trackEvent, trackPageViews, visitorId } from './core.js'
export type { LinkOptions, ShareOptions, WeChat, WeChatOptions } from './share.js'
export {
  createShareLink, fillForm, followShares, prepareWeChat, registrationFields, share, weChatSignatureAddress
} from './share.js'
