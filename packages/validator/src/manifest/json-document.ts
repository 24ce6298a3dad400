import { JsonSyntaxError } from '../errors.ts'

/** A position in a text; both numbers start at 1. */
export interface TextPosition {
  readonly line: number
  readonly column: number
}

export type JsonPath = readonly (string | number)[]

/** A parsed JSON text with the positions of its values, or the position at which it stops being JSON. */
export type JsonDocument =
  | {
      readonly ok: true
      readonly value: unknown
      /** The start of the value at a path, or of the nearest enclosing value if there is none. */
      locate(path: JsonPath): TextPosition
      /** Keys that appear twice in one object, with the position of the second one. */
      readonly duplicates: readonly { readonly path: JsonPath; readonly at: TextPosition }[]
    }
  | { readonly ok: false; readonly message: string; readonly at: TextPosition }

/** Deeper nesting is rejected. Manifests need about ten levels; thousands would overflow the stack. */
const MAX_DEPTH = 200

/** Parses strict JSON (RFC 8259) like `JSON.parse`, and keeps positions, which `JSON.parse` does not provide. */
export function parseJsonDocument(source: string): JsonDocument {
  const text = source.charCodeAt(0) === 0xfeff ? ` ${source.slice(1)}` : source
  const parser = new JsonParser(text)
  try {
    const value = parser.parse()
    const locate = (path: JsonPath): TextPosition => {
      for (let length = path.length; length >= 0; length--) {
        const offset = parser.offsetOf(path.slice(0, length))
        if (offset !== undefined) return positionOf(text, offset)
      }
      return { line: 1, column: 1 }
    }
    const duplicates = parser.duplicates.map(({ path, offset }) => ({ path, at: positionOf(text, offset) }))
    return { ok: true, value, locate, duplicates }
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    return { ok: false, message: error.message, at: positionOf(text, error.offset) }
  }
}

/** A recursive descent parser that records the offset of each value. */
class JsonParser {
  readonly #text: string
  #position = 0
  /** Offsets of values, by the JSON of their path. */
  readonly #offsets = new Map<string, number>()
  readonly duplicates: { path: JsonPath; offset: number }[] = []

  constructor(text: string) {
    this.#text = text
  }

  parse(): unknown {
    const value = this.#parseValue([])
    this.#skipSpace()
    if (this.#position < this.#text.length) this.#fail(`expected the end of the file, got ${this.#seen()}`)
    return value
  }

  offsetOf(path: JsonPath): number | undefined {
    return this.#offsets.get(JSON.stringify(path))
  }

  #parseValue(path: JsonPath): unknown {
    if (path.length > MAX_DEPTH) this.#fail(`values are nested deeper than ${MAX_DEPTH}`)
    this.#skipSpace()
    this.#offsets.set(JSON.stringify(path), this.#position)
    const char = this.#text[this.#position]
    if (char === '{') return this.#parseObject(path)
    if (char === '[') return this.#parseArray(path)
    if (char === '"') return this.#parseString()
    const word = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/.exec(
      this.#text.slice(this.#position, this.#position + 400),
    )
    if (!word) return this.#fail(`expected a value, got ${this.#seen()}`)
    this.#position += word[0].length
    return JSON.parse(word[0]) as unknown
  }

  #parseObject(path: JsonPath): Record<string, unknown> {
    const entries = new Map<string, unknown>()
    this.#position++
    if (this.#skipIf('}')) return {}
    for (;;) {
      this.#skipSpace()
      const offset = this.#position
      if (this.#text[offset] !== '"') this.#fail(`expected a key in double quotation marks, got ${this.#seen()}`)
      const key = this.#parseString()
      const keyPath = [...path, key]
      if (entries.has(key)) this.duplicates.push({ path: keyPath, offset })
      if (!this.#skipIf(':')) this.#fail(`expected ":" after the key "${key}", got ${this.#seen()}`)
      entries.set(key, this.#parseValue(keyPath))
      // fromEntries defines own properties, so that a "__proto__" key stays data.
      if (this.#skipIf('}')) return Object.fromEntries(entries)
      if (!this.#skipIf(',')) this.#fail(`expected "," or "}" after the value of "${key}", got ${this.#seen()}`)
    }
  }

  #parseArray(path: JsonPath): unknown[] {
    const items: unknown[] = []
    this.#position++
    if (this.#skipIf(']')) return items
    for (;;) {
      items.push(this.#parseValue([...path, items.length]))
      if (this.#skipIf(']')) return items
      if (!this.#skipIf(',')) this.#fail(`expected "," or "]", got ${this.#seen()}`)
    }
  }

  #parseString(): string {
    const start = this.#position
    for (let end = start + 1; end < this.#text.length; end++) {
      const char = this.#text[end]
      if (char === '\\') end++
      else if (char === '\n') this.#fail('the string has no closing quotation mark on its line', start)
      else if (char === '"') {
        this.#position = end + 1
        try {
          return JSON.parse(this.#text.slice(start, this.#position)) as string
        } catch {
          return this.#fail('the string contains an escape sequence or control character that is not allowed', start)
        }
      }
    }
    return this.#fail('the string has no closing quotation mark', start)
  }

  /** Skips white space and then `char`, if it is next. */
  #skipIf(char: string): boolean {
    this.#skipSpace()
    if (this.#text[this.#position] !== char) return false
    this.#position++
    return true
  }

  #skipSpace(): void {
    while (this.#position < this.#text.length && ' \t\n\r'.includes(this.#text.charAt(this.#position))) this.#position++
  }

  #seen(): string {
    return this.#position >= this.#text.length ? 'the end of the file' : JSON.stringify(this.#text[this.#position])
  }

  #fail(message: string, offset = this.#position): never {
    throw new JsonSyntaxError(message, offset)
  }
}

/** Line and column of an offset. */
function positionOf(text: string, offset: number): TextPosition {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  let line = 1
  for (let index = before.indexOf('\n'); index !== -1; index = before.indexOf('\n', index + 1)) line++
  return { line, column: offset - lineStart + 1 }
}

/** Formats a path as in JavaScript: `models[0].taskTypes`. */
export function formatJsonPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? String(part) : `.${String(part)}`))
    .join('')
}
