const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/**
 * Measures JSON before it is parsed: how deep its arrays and objects nest, and how many values it has. Takes the bytes in
 * chunks of any length, and needs the same time for each byte. It does not decide whether the text is JSON.
 *
 * In UTF-8 the bytes of these characters appear in no other character, so nothing is decoded.
 */
export class JsonScanner {
  /** Whether the nesting exceeded its limit: `[[]]` has 2. */
  isTooDeep = false
  /** An upper bound of the values so far: arrays, objects, and what commas separate. */
  values = 1
  #depth = 0
  #inString = false
  #escaped = false
  readonly #maxDepth: number
  readonly #maxValues: number

  constructor(limits: { maxDepth: number; maxValues: number }) {
    this.#maxDepth = limits.maxDepth
    this.#maxValues = limits.maxValues
  }

  /** Reads the next bytes. Returns false, without reading on, as soon as a limit is exceeded. */
  push(bytes: Uint8Array): boolean {
    // Local variables: this loop runs for every byte of every body.
    let depth = this.#depth
    let values = this.values
    let inString = this.#inString
    let escaped = this.#escaped
    let index = 0
    for (; index < bytes.length && depth <= this.#maxDepth && values <= this.#maxValues; index++) {
      const byte = bytes[index]
      if (inString) {
        if (escaped) escaped = false
        else if (byte === BACKSLASH) escaped = true
        else if (byte === QUOTE) inString = false
      } else if (byte === QUOTE) inString = true
      else if (byte === COMMA) values++
      else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
        values++
        depth++
      } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth--
    }
    this.#depth = depth
    this.values = values
    this.#inString = inString
    this.#escaped = escaped
    if (depth > this.#maxDepth) this.isTooDeep = true
    return depth <= this.#maxDepth && values <= this.#maxValues
  }
}
