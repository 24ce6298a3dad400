import { parseArgs } from 'node:util'
import type { TrainerManifest } from '@trainyard/contract'
import { UsageError } from '../../errors.ts'

/** A number of a JSON Schema, with the keywords that limit it. */
interface NumberSchema {
  type?: unknown
  minimum?: unknown
  maximum?: unknown
  exclusiveMinimum?: unknown
  exclusiveMaximum?: unknown
}

/** Refuses numbers outside of the range that the manifest declares. Throws {@link UsageError} with flag and range. */
export function checkSettings(args: readonly string[], { config }: TrainerManifest): void {
  const properties = new Map(
    Object.entries(config.schema.properties ?? {}).flatMap(([name, schema]) =>
      isNumber(schema) ? [[name.replaceAll('_', '-'), schema] as const] : [],
    ),
  )
  const options = Object.fromEntries([...properties.keys()].map((flag) => [flag, { type: 'string' } as const]))
  // Not strict: the other arguments belong to the trainer.
  const { values } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true })
  for (const [flag, schema] of properties) {
    const text = values[flag]
    if (typeof text === 'string' && !isAllowed(text, schema))
      throw new UsageError(`--${flag} is "${text}": expected ${describe(schema)}`)
  }
}

function isNumber(schema: unknown): schema is NumberSchema {
  return (
    typeof schema === 'object' &&
    schema !== null &&
    'type' in schema &&
    (schema.type === 'integer' || schema.type === 'number')
  )
}

function isAllowed(text: string, schema: NumberSchema): boolean {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  const { type, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema
  return (
    !Number.isNaN(value) &&
    (type !== 'integer' || Number.isInteger(value)) &&
    !(typeof minimum === 'number' && value < minimum) &&
    !(typeof maximum === 'number' && value > maximum) &&
    !(typeof exclusiveMinimum === 'number' && value <= exclusiveMinimum) &&
    !(typeof exclusiveMaximum === 'number' && value >= exclusiveMaximum)
  )
}

/** `a whole number of at least 1 and at most 10000` */
function describe({ type, minimum, maximum, exclusiveMinimum, exclusiveMaximum }: NumberSchema): string {
  const limits = [
    typeof minimum === 'number' ? `at least ${minimum}` : '',
    typeof exclusiveMinimum === 'number' ? `more than ${exclusiveMinimum}` : '',
    typeof maximum === 'number' ? `at most ${maximum}` : '',
    typeof exclusiveMaximum === 'number' ? `less than ${exclusiveMaximum}` : '',
  ].filter(Boolean)
  const kind = type === 'integer' ? 'a whole number' : 'a number'
  return limits.length === 0 ? kind : `${kind} of ${limits.join(' and ')}`
}
