import type { SentEvent } from './options.js';
/** 0 goes first and is dropped last. */
export type Rank = 0 | 1 | 2;
/** Events in one request. `claim` keeps others from sending them too until they are answered for or it runs out. */
export interface Batch {
    keys: string[];
    texts: string[];
    bytes: number;
    claim: string;
}
export declare function add(event: SentEvent, rank: Rank, now: number): void;
export declare const isEmpty: () => boolean;
/**
 * Claims waiting events for a request: at most `maxEvents` and `maxBytes` as a body, registrations first.
 *
 * leaseMs: how long nobody else may send them. wanted: which may be taken at all. An event that is larger than
 * `maxBytes` is taken alone where `oversized` allows it.
 */
export declare function take({ maxEvents, maxBytes, leaseMs, wanted, oversized }: {
    maxEvents: number;
    maxBytes: number;
    leaseMs: number;
    wanted?: (key: string) => boolean;
    oversized?: boolean;
}): Batch | undefined;
/** The batch was not taken: it may be sent again. */
export declare const release: (batch: Batch) => void;
/** The batch is done with. The claim goes last: whoever still sees the events sees the claim too. */
export declare function finish(batch: Batch): void;
/** Whether this page answers for the event: it added it, or nobody else can see it. */
export declare const isOwn: (key: string) => boolean;
/** The events of a batch; what somebody else wrote over is left out. */
export declare function parse(texts: string[]): SentEvent[];
