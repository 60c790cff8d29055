/** `bytes` random bytes in hexadecimal. Works on insecure origins too, where `crypto.randomUUID` does not. */
export function randomHex(bytes: number): string {
  return [...crypto.getRandomValues(new Uint8Array(bytes))].map(byte => byte.toString(16).padStart(2, '0')).join('')
}

let lastMs = 0
let counter = 0

/**
 * A UUIDv7 (RFC 9562) of the time `ms`. Those of one page rise even within a millisecond, because ties of
 * event time are decided by the id.
 */
export function uuid7(ms: number): string {
  if (ms > lastMs) {
    lastMs = ms
    counter = parseInt(randomHex(1), 16)
  } else if (++counter > 0xfff) {
    lastMs++
    counter = 0
  }
  const time = lastMs.toString(16).padStart(12, '0')
  const random = randomHex(8)
  const variant = (8 + (parseInt(random, 16) % 4)).toString(16)
  const version = '7' + counter.toString(16).padStart(3, '0')
  return [time.slice(0, 8), time.slice(8), version, variant + random.slice(1, 4), random.slice(4)].join('-')
}
