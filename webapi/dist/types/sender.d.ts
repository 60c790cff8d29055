/** Nothing is sent while it is off. */
export declare function switchSending(on: boolean): void;
/** Sends what waits. Resolves when everything was tried that can be sent now. */
export declare function flush(): Promise<void>;
/** An event was added: send now if it is urgent or enough wait, else soon. */
export declare function expect(isUrgent: boolean): void;
/** Flush in `ms` milliseconds, or earlier if that was planned. */
export declare function arm(ms: number): void;
/**
 * The page is hidden, or goes for good (`forGood`): send now, without waiting for anything, this page's own events that
 * fit beside what is in flight. The rest is sent by the next page.
 */
export declare function leave(forGood: boolean): void;
/** The network is back. */
export declare function resume(): void;
