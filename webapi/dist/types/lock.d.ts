type Work = (keep: () => boolean) => Promise<void>;
/**
 * Does `work` while no other tab does. `work` asks `keep()` before each request whether it may go on.
 *
 * With Web Locks the browser frees the lock of a tab that dies. Without them (insecure origins, old browsers) a
 * lease in the shared storage stands in: where another tab has it, nothing is done, and the caller tries again later.
 */
export declare function exclusively(work: Work, leaseMs: number): Promise<void>;
export {};
