// SHA-256 (FIPS 180-4) without waiting: `crypto.subtle` answers later, when a tap's permission to share has gone,
// and exists on secure origins only.

/** The first 32 bits of the fractional part. */
const fraction = (value: number) => ((value % 1) * 2 ** 32) | 0

const roundConstants: number[] = []
const initialHash: number[] = []
for (let candidate = 2; roundConstants.length < 64; candidate++) {
  let divisor = 2
  while (candidate % divisor) divisor++
  if (divisor < candidate) continue
  if (initialHash.length < 8) initialHash.push(fraction(candidate ** 0.5))
  roundConstants.push(fraction(Math.cbrt(candidate)))
}

const rotate = (word: number, bits: number) => (word >>> bits) | (word << (32 - bits))

/** The 32 bytes of the digest of a text's UTF-8. */
export function sha256(text: string): Uint8Array {
  const message = new TextEncoder().encode(text)
  const padded = new DataView(new ArrayBuffer(((message.length + 72) >> 6) << 6))
  message.forEach((byte, index) => padded.setUint8(index, byte))
  padded.setUint8(message.length, 0x80)
  padded.setUint32(padded.byteLength - 4, message.length * 8)

  const hash = [...initialHash]
  for (let start = 0; start < padded.byteLength; start += 64) {
    const words: number[] = []
    let [a, b, c, d, e, f, g, h] = hash as [number, number, number, number, number, number, number, number]
    for (let i = 0; i < 64; i++) {
      const w15 = words[i - 15]!
      const w2 = words[i - 2]!
      const word = (words[i] =
        i < 16
          ? padded.getInt32(start + i * 4)
          : (words[i - 16]! +
              (rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >>> 3)) +
              words[i - 7]! +
              (rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >>> 10))) |
            0)
      const t1 =
        h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + roundConstants[i]! + word
      const t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))
      ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0]
    }
    ;[a, b, c, d, e, f, g, h].forEach((value, index) => (hash[index] = (hash[index]! + value) | 0))
  }
  const digest = new DataView(new ArrayBuffer(32))
  hash.forEach((word, index) => digest.setInt32(index * 4, word))
  return new Uint8Array(digest.buffer)
}
