import type { EventTypes } from './generated/events.js';
import type { Options, SentEvent } from './options.js';
import { randomHex } from './ids.js';
import { options } from './options.js';
import { get, put } from './storage.js';
export { flush } from './sender.js';
export { cleanAddress, marks, onNavigate, replaceAddress, trackPageViews, whenShown } from './pages.js';
export { get, options, put, randomHex };
/** @internal What other modules add: to each event before it is kept, to later calls of `init`, and to `reset`. */
export declare const hooks: {
    record: ((event: SentEvent) => void)[];
    init: (() => void)[];
    reset: (() => void)[];
};
/** Starts the SDK, or changes its options. Events of before wait for it. */
export declare function init(given?: Options): void;
/** The visitor wants to be left alone: forgets them and their events in all tabs, and records nothing more. */
export declare function optOut(): void;
/** Takes `optOut` back. */
export declare function optIn(): void;
/** The next person at this device is another visitor. What is recorded already is still sent. */
export declare function reset(): void;
/** Records an event; it is sent with others soon. Never throws. */
export declare function trackEvent<Type extends keyof EventTypes>(type: Type, fields: EventTypes[Type]): void;
/** @internal An event whose fields are not all in the catalogue yet. */
export declare function record(type: keyof EventTypes, fields: object, now?: number): void;
/** @internal The time of events; that of the call for calls that an inline stub kept. */
export declare const clock: {
    now: () => number;
};
/** @internal Does something as soon as, and if ever, things may be stored and sent. */
export declare function whenOn(act: () => void): void;
/** @internal */
export declare const isOn: () => boolean;
/**
 * The visitor's first-party id, made at the first call. Undefined where none can be kept: an id that ends with the page
 * would make each page a new visitor, and the server has an id for visitors without one.
 */
export declare function visitorId(): string | undefined;
