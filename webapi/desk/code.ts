// Codes of badges: cleaning what a scanner typed, and the digest by which a device knows a code.

const CODE = /[0-9a-f]{32}:[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])/
const SWAPPED = /[0-9A-F]{32}:[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])/
export const DIGEST_CHARACTERS = 16

const swapCase = (text: string) =>
  [...text].map(letter => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase())).join('')

/** As `clean_code` in conferences/badges.py: prefixes, blanks, invisible and wide characters, a locked shift key. */
export function cleanCode(text: string): string {
  const kept = text.normalize('NFKC').replace(/[\s\p{Cc}\p{Cf}]/gu, '')
  const found = CODE.exec(kept)
  if (found) return found[0]
  const swapped = SWAPPED.exec(kept)
  return swapped ? swapCase(swapped[0]) : kept
}

export const isCode = (text: string) => CODE.test(text)

/** What a person types is a name; codes of other systems have a colon, an address or many digits. */
export const looksLikeCode = (text: string) => isCode(cleanCode(text)) || /[:/]|\d{5,}/.test(text)

/** The first 12 bytes of the SHA-256 of a code, in base64url. */
export async function digestCode(code: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(code)))
  return btoa(String.fromCharCode(...hash.subarray(0, 12))).replace(/\+/g, '-').replace(/\//g, '_')
}
