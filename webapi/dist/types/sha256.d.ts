/** The 32 bytes of the digest of a text's UTF-8. */
export declare function sha256(text: string): Uint8Array;
