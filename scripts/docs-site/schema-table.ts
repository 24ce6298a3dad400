/** The fields of a JSON Schema as a table: name, type with its bounds, default, meaning. */
export interface JsonSchema {
  $ref?: string
  type?: string | string[]
  description?: string
  default?: unknown
  const?: unknown
  enum?: unknown[]
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  allOf?: JsonSchema[]
  items?: JsonSchema
  properties?: Record<string, JsonSchema>
  additionalProperties?: JsonSchema | boolean
  required?: string[]
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  format?: string
}

/** Objects inside the fields are listed with their path: `limits.cpu`, `models[].name`. */
export function fieldTable(schema: JsonSchema, depth = 3): string {
  const rows = [...fields(schema, '', depth)].map(
    ({ path, isRequired, field }) =>
      `| \`${path}\` | ${typeOf(field)} | ${isRequired ? 'required' : defaultOf(field)} | ${cell(field.description ?? '')} |`,
  )
  return `| field | type | default | meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}`
}

interface Field {
  path: string
  isRequired: boolean
  field: JsonSchema
}

function* fields(schema: JsonSchema, prefix: string, depth: number): Generator<Field> {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const path = `${prefix}${name}`
    yield { path, isRequired: schema.required?.includes(name) === true && field.default === undefined, field }
    if (depth <= 1) continue
    if (field.properties !== undefined) yield* fields(field, `${path}.`, depth - 1)
    if (field.items?.properties !== undefined) yield* fields(field.items, `${path}[].`, depth - 1)
  }
}

const MAX_SHOWN = 80

function defaultOf(field: JsonSchema): string {
  if (field.default === undefined) return ''
  const text = JSON.stringify(field.default)
  return text.length > MAX_SHOWN ? 'see the schema' : `\`${cell(text)}\``
}

/** The type of a field in words: `integer, 1 … 100`, `"gpu" or "cpu"`, `list of string`. */
export function typeOf(schema: JsonSchema): string {
  if (schema.$ref !== undefined) return `\`${schema.$ref.split('/').at(-1)}\``
  if (schema.const !== undefined) return `\`${cell(JSON.stringify(schema.const))}\``
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${cell(JSON.stringify(value))}\``).join(', ')
  const alternatives = schema.anyOf ?? schema.oneOf
  if (alternatives !== undefined) return [...new Set(alternatives.map(typeOf))].join(' or ')
  const type = Array.isArray(schema.type)
    ? schema.type.join(' or ')
    : (schema.type ?? (schema.allOf ? 'object' : 'any'))
  if (type === 'array') return `list of ${schema.items === undefined ? 'any' : typeOf(schema.items)}`
  return [type, schema.format ?? '', bounds(schema)].filter((part) => part !== '').join(', ')
}

function bounds({ minimum, exclusiveMinimum, maximum, minLength, maxLength }: JsonSchema): string {
  const safe = (value: number | undefined) =>
    value === undefined || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? undefined : value
  const low = safe(minimum)
  const high = safe(maximum)
  const above = safe(exclusiveMinimum)
  if (low !== undefined && high !== undefined) return `${low} … ${high}`
  if (low !== undefined) return `≥ ${low}`
  if (above !== undefined) return high === undefined ? `> ${above}` : `> ${above}, ≤ ${high}`
  if (high !== undefined) return `≤ ${high}`
  if (maxLength === undefined) return ''
  return `${minLength ?? 0} … ${maxLength} characters`
}

/** Text for a cell of a table. */
export const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
