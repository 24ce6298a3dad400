import { isPacked, unpack } from './unpack.ts'

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

/** Finds secrets in texts: as they are, in pieces with other characters in between, backwards, and in the usual encodings. */
export function createLeakFinder(credentials: readonly string[]): (texts: readonly string[]) => boolean {
  const pieces = [...new Set(credentials.flatMap(piecesOf).map((piece) => piece.toLowerCase()))]
  // Also in upper or lower case: a part of the token is known then.
  const hasPiece = (text: string) => pieces.some((piece) => text.includes(piece))
  const isLeak = (text: string, depth: number): boolean => {
    const squeezed = squeeze(text).toLowerCase()
    if (hasPiece(squeezed) || SIGNED_URL.test(text)) return true
    if (depth === MAX_DEPTH) return false
    return decode(text.slice(0, MAX_DECODED)).some((decoded) => isLeak(decoded, depth + 1))
  }
  return (texts) => {
    if (pieces.length === 0) return false
    const whole = texts.join('\n')
    // A piece on each line, after what a logger puts before it.
    const lastWords = texts
      .flatMap((text) => text.split('\n'))
      .map((line) => line.slice(line.trimEnd().lastIndexOf(' ') + 1))
    if (hasPiece(squeeze(lastWords.join('')).toLowerCase())) return true
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

/** Codes of characters: `%41`, `\\x41`, `\\u0041`, `&#65;`, `&#x41;`, `41 41`, `41:41`, `65, 65`. */
const HEX_CODES = /(?:(?:%|\\x|\\u00|&#x|0x)?[0-9a-f]{2}[\s,:;-]{0,3}){16,}/gi
const DECIMAL_CODES = /(?:(?:&#|\b)\d{2,3}[\s,:;-]{1,3}){15,}(?:&#)?\d{2,3}/g
const BASE32 = /[A-Z2-7]{32,}/gi
const BASE32_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

function fromBase32(text: string): string {
  const bits = [...text.toUpperCase()]
    .map((digit) => BASE32_DIGITS.indexOf(digit).toString(2).padStart(5, '0'))
    .join('')
  const bytes = bits.match(/.{8}/g) ?? []
  return String.fromCharCode(...bytes.map((byte) => Number.parseInt(byte, 2)))
}

/** Each letter replaced by that 13 places on. */
function rot13(text: string): string {
  return text.replace(/[a-z]/gi, (letter) => {
    const base = letter <= 'Z' ? 65 : 97
    return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base)
  })
}

function decode(text: string): string[] {
  return decodeText(text).flatMap((decoded) => [decoded, ...unpackText(decoded)])
}

function unpackText(text: string): string[] {
  // Most texts are nothing of the kind: only then are their bytes copied.
  const unpacked = isPacked(text) ? unpack(Buffer.from(text, 'latin1')) : undefined
  return unpacked === undefined ? [] : [unpacked.toString('latin1')]
}

function decodeText(text: string): string[] {
  const decoded: string[] = [rot13(text), ...unpackText(text)]
  for (const [found] of text.matchAll(HEX_CODES)) {
    const digits = found.replace(/%|\\x|\\u00|&#x|0x/gi, '').replace(/[^0-9a-f]/gi, '')
    decoded.push(Buffer.from(digits, 'hex').toString('latin1'))
  }
  for (const [found] of text.matchAll(DECIMAL_CODES))
    decoded.push(String.fromCharCode(...(found.match(/\d+/g) ?? []).map(Number).filter((code) => code < 256)))
  for (const [found] of text.matchAll(BASE32)) decoded.push(fromBase32(found.slice(0, 100_000)))
  for (const source of new Set([text, text.replace(/\s+/g, '')])) {
    for (const [found] of source.matchAll(HEX)) decoded.push(Buffer.from(found, 'hex').toString('latin1'))
    for (const [found] of source.matchAll(ENCODED)) {
      // The encoding can begin after other characters.
      for (let skip = 0; skip < 4; skip++) decoded.push(Buffer.from(found.slice(skip), 'base64url').toString('latin1'))
    }
  }
  return decoded
}
