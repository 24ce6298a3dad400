/** Shorter pieces of a token are no use to anyone, and can be chance. */
const PIECE = 20
const STEP = 4
/** Text that can be an encoding of something. */
const ENCODED = /[A-Za-z0-9+/_-]{24,}/g
const HEX = /(?:[0-9a-f]{2}){16,}/gi
const MAX_DEPTH = 2
/** Of a long text, only the start is decoded. */
const MAX_DECODED = 2 * 1024 * 1024
const SIGNED_URL = /[?&](?:X-Amz-)?Signature=[\w%-]{16,}/i

/** Finds secrets in texts: as they are, in pieces with other characters in between, backwards, and in Base64 or hex. */
export function createLeakFinder(credentials: readonly string[]): (texts: readonly string[]) => boolean {
  const pieces = [...new Set(credentials.flatMap(piecesOf))]
  const hasPiece = (text: string) => pieces.some((piece) => text.includes(piece))
  const isLeak = (text: string, depth: number): boolean => {
    const squeezed = squeeze(text)
    if (hasPiece(squeezed) || SIGNED_URL.test(text)) return true
    if (depth === MAX_DEPTH) return false
    return decode(text.slice(0, MAX_DECODED)).some((decoded) => isLeak(decoded, depth + 1))
  }
  return (texts) => {
    if (pieces.length === 0) return false
    const whole = texts.join('\n')
    return isLeak(whole, 0) || isLeak([...whole].reverse().join(''), MAX_DEPTH)
  }
}

/** Windows of the token's last part: its first parts say what it is, and are similar in all tokens. */
function piecesOf(token: string): string[] {
  const secret = squeeze(token.split('.').at(-1) ?? token)
  if (secret.length <= PIECE) return secret === '' ? [] : [secret]
  const pieces: string[] = []
  for (let at = 0; at + PIECE <= secret.length; at += STEP) pieces.push(secret.slice(at, at + PIECE))
  return pieces
}

/** Without the characters that someone could put in between. */
function squeeze(text: string): string {
  return text.replace(/[^A-Za-z0-9]/g, '')
}

function decode(text: string): string[] {
  const decoded: string[] = []
  for (const source of new Set([text, text.replace(/\s+/g, '')])) {
    for (const [found] of source.matchAll(HEX)) decoded.push(Buffer.from(found, 'hex').toString('latin1'))
    for (const [found] of source.matchAll(ENCODED)) {
      // The encoding can begin after other characters.
      for (let skip = 0; skip < 4; skip++) decoded.push(Buffer.from(found.slice(skip), 'base64url').toString('latin1'))
    }
  }
  return decoded
}
