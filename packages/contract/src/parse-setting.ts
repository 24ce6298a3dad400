/** The keywords of a setting's JSON Schema that decide what a text means. */
interface SettingSchema {
  type?: unknown
  enum?: unknown
}

/**
 * The value of a setting that was written as text, as in `--set NAME=VALUE`: its JSON Schema decides whether `1` is a number or a
 * text. A text that does not fit the schema stays a text, so that the check of the value can show it.
 *
 * @param schema the property of `config.schema` in the manifest; without one, JSON is a value and everything else a text
 * @example parseSetting('1', { type: 'string' }) // '1'
 */
export function parseSetting(text: string, schema?: unknown): unknown {
  const { type, enum: choices }: SettingSchema = typeof schema === 'object' && schema !== null ? schema : {}
  if (Array.isArray(choices) && choices.includes(text)) return text
  const types = (Array.isArray(type) ? type : [type]).filter((each) => typeof each === 'string')
  if (types.length === 1 && types[0] === 'string') return text
  const isNumber = types.some((each) => each === 'number' || each === 'integer')
  const value = isNumber ? readNumber(text) : readJson(text)
  if (value === undefined) return text === 'null' && (types.length === 0 || types.includes('null')) ? null : text
  const fits = types.length === 0 || types.includes(typeOf(value)) || (isNumber && typeof value === 'number')
  return fits ? value : text
}

/** `0.1`, `.1`, `1e-3`. Undefined for everything else; the other types of the setting are read as JSON. */
function readNumber(text: string): unknown {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  return Number.isFinite(value) ? value : readJson(text)
}

/** Undefined if it is not JSON, or is `null`. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text) ?? undefined
  } catch {
    return undefined
  }
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value
}
