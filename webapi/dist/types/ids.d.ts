/** `bytes` random bytes in hexadecimal. Works on insecure origins too, where `crypto.randomUUID` does not. */
export declare function randomHex(bytes: number): string;
/**
 * A UUIDv7 (RFC 9562) of the time `ms`. Those of one page rise even within a millisecond, because ties of
 * event time are decided by the id.
 */
export declare function uuid7(ms: number): string;
