export const QUOTE = 0x22
const BACKSLASH = 0x5c
const MAX_DEPTH = 512

/** Skips the four kinds of white space in JSON. */
export function skipSpace(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end) {
    const byte = bytes[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break
    at++
  }
  return at
}

/** The position after a string that begins at `start`; -1 when it continues after `end`. */
export function scanString(bytes: Uint8Array, start: number, end: number): number {
  let at = start + 1
  while (at < end) {
    const byte = bytes[at]
    if (byte === QUOTE) return at + 1
    at += byte === BACKSLASH ? 2 : 1
  }
  return -1
}

/**
 * The position after the value that begins at `start`; -1 when it continues after `end`, -2 when it is nested too deeply,
 * -3 when no value begins there. `find` is a quoted name: `result.found` is set to the position of the value of that member
 * of the top object, or to -1. Only brackets and strings are checked; the parser of the value reports other mistakes.
 * `words` is the same memory as `bytes`, which must begin at a multiple of four.
 */
export function scanValue(
  bytes: Uint8Array,
  start: number,
  end: number,
  words: Int32Array,
  find?: Uint8Array,
  result?: { found: number },
): number {
  if (result !== undefined) result.found = -1
  const first = bytes[start]
  if (first === QUOTE) return scanString(bytes, start, end)
  if (first !== 0x7b && first !== 0x5b) return scanScalar(bytes, start, end)
  let depth = 1
  let at = start + 1
  while (at < end) {
    if ((at & 3) === 0) {
      // Four bytes at a time while none is a bracket (those have bit 6, digits, points and spaces do not) or a quote.
      const last = end >> 2
      let word = at >> 2
      while (word < last) {
        const four = words[word] as number
        const quotes = four ^ 0x22222222
        if ((four & 0x40404040) !== 0 || ((quotes - 0x01010101) & ~quotes & 0x80808080) !== 0) break
        word++
      }
      at = word << 2
      if (at >= end) return -1
    }
    const byte = bytes[at] as number
    // Digits, points, commas and spaces have smaller codes; letters do not matter.
    if (byte < 0x5b && byte !== QUOTE) {
      at++
      continue
    }
    if (byte === QUOTE) {
      const from = at
      at++
      while (at < end) {
        const inner = bytes[at]
        if (inner === QUOTE) break
        at += inner === BACKSLASH ? 2 : 1
      }
      if (at >= end) return -1
      at++
      if (depth === 1 && find !== undefined && result !== undefined && at - from === find.length) {
        const value = findValue(bytes, from, at, end, find)
        if (value === -1) return -1
        if (value > 0) result.found = value
      }
      continue
    }
    at++
    if (byte === 0x5b || byte === 0x7b) {
      if (++depth > MAX_DEPTH) return -2
    } else if (byte === 0x5d || byte === 0x7d) {
      if (--depth === 0) return at
    }
  }
  return -1
}

/** Where the value begins if the string from `from` to `after` is the name `find`; 0 if it is not, -1 to read more. */
function findValue(bytes: Uint8Array, from: number, after: number, end: number, find: Uint8Array): number {
  for (let index = 1; index < find.length; index++) if (bytes[from + index] !== find[index]) return 0
  const colon = skipSpace(bytes, after, end)
  if (colon >= end) return -1
  if (bytes[colon] !== 0x3a) return 0
  const value = skipSpace(bytes, colon + 1, end)
  return value >= end ? -1 : value
}

function scanScalar(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end) {
    const byte = bytes[at] as number
    const isWord =
      (byte >= 0x30 && byte <= 0x39) ||
      (byte >= 0x61 && byte <= 0x7a) ||
      (byte >= 0x41 && byte <= 0x5a) ||
      byte === 0x2b ||
      byte === 0x2d ||
      byte === 0x2e
    if (!isWord) return at === start ? -3 : at
    at++
  }
  return at
}

/** The name of a member. */
export function toKey(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end)
  try {
    return String(JSON.parse(text))
  } catch {
    return text.slice(1, -1)
  }
}
