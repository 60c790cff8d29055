export declare const OPT_OUT: string;
/** Keep things on the device from now on, or in memory only, where what is on the device goes, too. */
export declare function persist(on: boolean): void;
export declare function get(key: string): string | null;
/** Returns whether the value will outlive the page. */
export declare function put(key: string, value: string): boolean;
export declare function remove(key: string): void;
export declare const isInMemory: (key: string) => boolean;
/** Makes room on the device: the page alone knows the value from now on. */
export declare function moveToMemory(key: string): void;
/** All keys that begin with `start`, sorted. */
export declare function keys(start: string): string[];
/** Removes everything that the SDK ever kept, on the device and in this page, but for the choice to opt out. */
export declare function clear(): void;
export declare const hasOptedOut: () => boolean;
/** The choice itself is always kept: without it we could not respect it. */
export declare function setOptedOut(on: boolean): void;
