import type { Options } from './options.js';
import { randomHex } from './ids.js';
import { options } from './options.js';
import { get, put } from './storage.js';
export { flush } from './sender.js';
export { cleanAddress, onNavigate, replaceAddress, trackPageViews } from './pages.js';
export { get, options, put, randomHex };
/** Starts the SDK, or changes its options. Events of before wait for it. */
export declare function init(given: Options): void;
/** The visitor wants to be left alone: forgets them and their events in all tabs, and records nothing more. */
export declare function optOut(): void;
/** Takes `optOut` back. */
export declare function optIn(): void;
/** The next person at this device is another visitor. What is recorded already is still sent. */
export declare function reset(): void;
/** Records an event; it is sent with others soon. Never throws. */
export declare function trackEvent<Type extends keyof EventTypes>(type: Type, fields: EventTypes[Type]): void;
/**
 * The visitor's first-party id, made at first. Undefined where none can be kept: one that does not outlive the page would
 * count a visitor anew at each page, and the server has an id for visitors without one.
 */
export declare function visitorId(): string | undefined;
