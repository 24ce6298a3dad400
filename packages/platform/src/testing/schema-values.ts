import fc from 'fast-check'
import type { JsonText } from './odd-values.ts'

type Schema = Record<string, unknown>

export interface SchemaValuesOptions {
  /** Holds the schemas that `$ref` names. */
  document: Record<string, unknown>
  /** Takes the place of some value, on every level. */
  odd: JsonText
}

const USUAL_WEIGHT = 12
const MAX_DEPTH = 6

/** JSON text that mostly matches a JSON Schema, with an odd value here and there, and now and then a repeated key. */
export function valuesOf(schema: Schema | boolean, options: SchemaValuesOptions, depth = 0): JsonText {
  if (depth > MAX_DEPTH || typeof schema === 'boolean') return options.odd
  return fc.oneof(
    { weight: USUAL_WEIGHT, arbitrary: usual(resolve(schema, options.document), options, depth) },
    { weight: 1, arbitrary: options.odd },
  )
}

function resolve(schema: Schema, document: Record<string, unknown>): Schema {
  if (typeof schema.$ref !== 'string') return schema
  const parts = schema.$ref.replace(/^#\//, '').split('/')
  const found = parts.reduce<unknown>((part, name) => (part as Schema | undefined)?.[name], document)
  return resolve((found ?? {}) as Schema, document)
}

function usual(schema: Schema, options: SchemaValuesOptions, depth: number): JsonText {
  const choices = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined
  if (choices !== undefined) return fc.oneof(...choices.map((choice) => valuesOf(choice, options, depth)))
  if (Array.isArray(schema.allOf)) {
    const all = schema.allOf.map((part) => resolve(part as Schema, options.document))
    return usual(Object.assign({}, schema, { allOf: undefined }, ...all) as Schema, options, depth)
  }
  if ('const' in schema) return fc.constant(JSON.stringify(schema.const))
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum.map((item) => JSON.stringify(item)))
  const [type] = [schema.type].flat().filter((name) => name !== 'null')
  switch (type) {
    case 'object':
      return objects(schema, options, depth)
    case 'array': {
      if (Array.isArray(schema.prefixItems)) {
        const parts = schema.prefixItems.map((part) => valuesOf(part as Schema, options, depth + 1))
        return fc.tuple(...parts).map((list) => `[${list.join()}]`)
      }
      const items = valuesOf((schema.items ?? {}) as Schema | boolean, options, depth + 1)
      return fc.array(items, { maxLength: 4 }).map((list) => `[${list.join()}]`)
    }
    case 'string':
      return strings(schema).map((text) => JSON.stringify(text))
    case 'integer':
      return integers(schema).map(String)
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value))
    case 'boolean':
      return fc.boolean().map(String)
    default:
      return options.odd
  }
}

function objects(schema: Schema, options: SchemaValuesOptions, depth: number): JsonText {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>)
  const required = (schema.required ?? []) as string[]
  const members = properties.map(([name, property]) => {
    const member = valuesOf(property, options, depth + 1).map((value) => `${JSON.stringify(name)}:${value}`)
    return fc.option(member, { nil: undefined, freq: required.includes(name) ? 30 : 2 })
  })
  const more =
    typeof schema.additionalProperties === 'object' && schema.additionalProperties !== null
      ? valuesOf(schema.additionalProperties as Schema, options, depth + 1)
      : options.odd
  const extra = fc.tuple(fc.oneof(fc.string({ maxLength: 10 }), fc.constantFrom('__proto__', '\u0000', '\ud800')), more)
  const extras = fc.array(
    extra.map(([name, value]) => `${JSON.stringify(name)}:${value}`),
    { maxLength: schema.additionalProperties === false ? 0 : 2 },
  )
  return fc.tuple(fc.tuple(...members), extras, fc.integer({ min: 0, max: 19 })).map(([own, others, chance]) => {
    const list = [...own.filter((member) => member !== undefined), ...others]
    // A repeated key: the last one counts.
    return `{${(chance === 0 ? [...list, ...list.slice(0, 1)] : list).join()}}`
  })
}

function strings({ format, pattern, minLength, maxLength }: Schema): fc.Arbitrary<string> {
  if (format === 'date-time')
    return fc
      .date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString())
  if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern))
  const shortest = typeof minLength === 'number' ? minLength : 0
  const longest = typeof maxLength === 'number' ? maxLength : 30
  return fc.string({ minLength: shortest, maxLength: Math.max(shortest, Math.min(longest, 300)) })
}

function integers({ minimum, exclusiveMinimum, maximum }: Schema): fc.Arbitrary<number> {
  const lowest = typeof minimum === 'number' ? minimum : typeof exclusiveMinimum === 'number' ? exclusiveMinimum + 1 : 0
  const highest = typeof maximum === 'number' ? maximum : Number.MAX_SAFE_INTEGER
  return fc.oneof(
    fc.maxSafeInteger().map((value) => Math.min(highest, Math.max(lowest, value))),
    fc.integer({ min: Math.max(lowest, 0), max: Math.max(lowest, 0) + 100 }).map((value) => Math.min(highest, value)),
    fc.constantFrom(lowest, highest),
  )
}
