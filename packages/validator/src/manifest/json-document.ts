/** A place in a text; both from 1. */
export interface TextPosition {
  readonly line: number
  readonly column: number
}

export type JsonPath = readonly (string | number)[]

/** A parsed JSON text that still knows where everything stands, or where it stops being JSON. */
export type JsonDocument =
  | {
      readonly ok: true
      readonly value: unknown
      /** Where the value at a path starts; the nearest enclosing value when there is none. */
      locate(path: JsonPath): TextPosition
      /** Keys that stand twice in one object, each with the place of the second one. */
      readonly duplicates: readonly { readonly path: JsonPath; readonly at: TextPosition }[]
    }
  | { readonly ok: false; readonly message: string; readonly at: TextPosition }

/** Deeper nesting is refused: a manifest needs about ten levels, a stack overflow needs thousands. */
const MAX_DEPTH = 200

class JsonSyntaxError extends Error {
  readonly offset: number
  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

/** Parses strict JSON (RFC 8259) as `JSON.parse` does, keeping positions, which `JSON.parse` does not give. */
export function parseJsonDocument(source: string): JsonDocument {
  const text = source.charCodeAt(0) === 0xfeff ? ` ${source.slice(1)}` : source
  const offsets = new Map<string, number>()
  const duplicates: { path: JsonPath; at: TextPosition }[] = []
  let position = 0

  const fail = (message: string, offset = position): never => {
    throw new JsonSyntaxError(message, offset)
  }
  const seen = () => (position >= text.length ? 'the end of the file' : JSON.stringify(text[position]))
  const skipSpace = () => {
    while (position < text.length && ' \t\n\r'.includes(text.charAt(position))) position++
  }

  const parseString = (): string => {
    const start = position
    position++
    for (; position < text.length; position++) {
      const char = text[position]
      if (char === '\\') position++
      else if (char === '\n') fail('the text is not closed with a quotation mark on its line', start)
      else if (char === '"') {
        position++
        try {
          return JSON.parse(text.slice(start, position)) as string
        } catch {
          return fail('the text holds an escape or a control character that JSON does not allow', start)
        }
      }
    }
    return fail('the text is not closed with a quotation mark', start)
  }

  const parseObject = (path: JsonPath): Record<string, unknown> => {
    const entries = new Map<string, unknown>()
    position++
    skipSpace()
    if (text[position] === '}') {
      position++
      return {}
    }
    for (;;) {
      skipSpace()
      const keyOffset = position
      if (text[position] !== '"') fail(`a key in quotation marks is wanted, ${seen()} is there`)
      const key = parseString()
      const keyPath = [...path, key]
      if (entries.has(key)) duplicates.push({ path: keyPath, at: positionOf(text, keyOffset) })
      skipSpace()
      if (text[position] !== ':') fail(`":" is wanted after the key "${key}", ${seen()} is there`)
      position++
      entries.set(key, parseValue(keyPath))
      skipSpace()
      const char = text[position]
      if (char === '}') {
        position++
        // fromEntries defines own properties, so that a "__proto__" key stays data.
        return Object.fromEntries(entries)
      }
      if (char !== ',') fail(`"," or "}" is wanted after the value of "${key}", ${seen()} is there`)
      position++
    }
  }

  const parseArray = (path: JsonPath): unknown[] => {
    const items: unknown[] = []
    position++
    skipSpace()
    if (text[position] === ']') {
      position++
      return items
    }
    for (;;) {
      items.push(parseValue([...path, items.length]))
      skipSpace()
      const char = text[position]
      if (char === ']') {
        position++
        return items
      }
      if (char !== ',') fail(`"," or "]" is wanted, ${seen()} is there`)
      position++
    }
  }

  const parseValue = (path: JsonPath): unknown => {
    if (path.length > MAX_DEPTH) fail(`values are nested deeper than ${MAX_DEPTH}`)
    skipSpace()
    offsets.set(JSON.stringify(path), position)
    const char = text[position]
    if (char === '{') return parseObject(path)
    if (char === '[') return parseArray(path)
    if (char === '"') return parseString()
    const word = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/.exec(
      text.slice(position, position + 400),
    )
    if (!word) return fail(`a value is wanted, ${seen()} is there`)
    position += word[0].length
    return JSON.parse(word[0]) as unknown
  }

  try {
    const value = parseValue([])
    skipSpace()
    if (position < text.length) fail(`nothing is wanted after the value, ${seen()} is there`)
    const locate = (path: JsonPath): TextPosition => {
      for (let length = path.length; length >= 0; length--) {
        const offset = offsets.get(JSON.stringify(path.slice(0, length)))
        if (offset !== undefined) return positionOf(text, offset)
      }
      return { line: 1, column: 1 }
    }
    return { ok: true, value, locate, duplicates }
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    return { ok: false, message: error.message, at: positionOf(text, error.offset) }
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

/** A path as people write it: `models[0].taskTypes`. */
export function formatJsonPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? String(part) : `.${String(part)}`))
    .join('')
}
