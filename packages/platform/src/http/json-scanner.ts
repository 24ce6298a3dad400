import { randomInt } from 'node:crypto'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** Random, so that no sender can choose names of fields that are counted as one. Odd, so that no bit of a name is lost. */
const MULTIPLIER = randomInt(2 ** 30) * 2 + 1
const NO_FIELDS = 1

/**
 * Measures JSON before it is parsed: how deep its arrays and objects nest, how many values it has, and how many different fields.
 * Takes the bytes in chunks of any length, and needs the same time for each byte. It does not decide whether the text is JSON.
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
  /** Whether the next string is the name of a field. */
  #isName = false
  #nameHash = 0
  /** For each open object the hash of its fields so far, and 0 for each open array. */
  readonly #openHashes: number[] = [0]
  readonly #fieldHashes = new Set<number>()
  readonly #limits: ScanLimits

  constructor(limits: ScanLimits) {
    this.#limits = limits
  }

  /**
   * The different fields so far. A field is a name after the names that precede it in its object: a parser has work to do for each,
   * about a microsecond, and almost none for an object with the fields of another one.
   */
  get fields(): number {
    return this.#fieldHashes.size
  }

  /** Reads the next bytes. Returns false, without reading on, as soon as a limit is exceeded. */
  push(bytes: Uint8Array): boolean {
    const { maxDepth, maxValues, maxFields } = this.#limits
    const open = this.#openHashes
    // Local variables: this loop runs for every byte of every body.
    let depth = this.#depth
    let values = this.values
    let inString = this.#inString
    let escaped = this.#escaped
    let isName = this.#isName
    let hash = this.#nameHash
    let hasRoom = this.fields <= maxFields
    for (let index = 0; index < bytes.length && hasRoom && depth <= maxDepth && values <= maxValues; index++) {
      const byte = bytes[index] ?? 0
      if (inString) {
        if (escaped) escaped = false
        else if (byte === BACKSLASH) escaped = true
        else if (byte === QUOTE) {
          inString = false
          if (isName) {
            isName = false
            const field = Math.imul((open[depth] ?? 0) ^ hash, MULTIPLIER) ^ (hash >>> 15)
            open[depth] = field === 0 ? NO_FIELDS : field
            hasRoom = this.#fieldHashes.add(field).size <= maxFields
          }
        }
        if (isName) hash = (Math.imul(hash, MULTIPLIER) + byte) | 0
      } else if (byte === QUOTE) {
        inString = true
        hash = 0
      } else if (byte === COMMA) {
        values++
        isName = open[depth] !== 0
      } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
        values++
        depth++
        isName = byte === OPEN_OBJECT
        open[depth] = isName ? NO_FIELDS : 0
      } else if ((byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) && depth > 0) {
        depth--
        isName = false
      }
    }
    this.#depth = depth
    this.values = values
    this.#inString = inString
    this.#escaped = escaped
    this.#isName = isName
    this.#nameHash = hash
    if (depth > maxDepth) this.isTooDeep = true
    return hasRoom && depth <= maxDepth && values <= maxValues
  }
}

export interface ScanLimits {
  maxDepth: number
  maxValues: number
  maxFields: number
}
