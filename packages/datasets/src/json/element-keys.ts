/**
 * Maps the ids in a file to numbers: `12` and `"12"` are one id; ids beyond 2^53 and other text get negative numbers in
 * the order in which they occur.
 */
export class ElementKeys {
  readonly #texts = new Map<string, number>()

  /** The key of the id whose value begins at `at`. NaN when `at` is -1, or the value is neither a number nor a string. */
  read(bytes: Buffer, at: number, end: number): number {
    if (at < 0) return Number.NaN
    let position = at
    const isText = bytes[at] === 0x22
    if (isText) position++
    const first = position
    let value = 0
    while (position < end) {
      const digit = (bytes[position] as number) - 0x30
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
      position++
    }
    const after = bytes[position]
    const isWhole = isText ? after === 0x22 : after === 0x2c || after === 0x7d || (after as number) <= 0x20
    const digits = position - first
    if (digits > 0 && digits <= 15 && isWhole && (digits === 1 || bytes[first] !== 0x30)) return value
    return this.#intern(bytes, at, end)
  }

  #intern(bytes: Buffer, at: number, end: number): number {
    let position = at + 1
    const isText = bytes[at] === 0x22
    if (isText) {
      while (position < end && bytes[position] !== 0x22) position += bytes[position] === 0x5c ? 2 : 1
      position++
    } else {
      while (position < end && /[-+.\w]/.test(String.fromCharCode(bytes[position] as number))) position++
    }
    const raw = bytes.toString('utf8', at, position)
    const text = isText ? unquote(raw) : raw
    if (!isText) {
      const number = Number(text)
      if (Number.isNaN(number)) return Number.NaN
      // 1.0 and 1e3 are integers too.
      if (Number.isSafeInteger(number) && number >= 0) return number
    }
    let key = this.#texts.get(text)
    if (key === undefined) {
      key = -1 - this.#texts.size
      this.#texts.set(text, key)
    }
    return key
  }
}

function unquote(raw: string): string {
  try {
    return String(JSON.parse(raw))
  } catch {
    return raw
  }
}
