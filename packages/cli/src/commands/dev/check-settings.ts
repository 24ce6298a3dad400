import { parseArgs } from 'node:util'
import { DEFAULT_BASIC_CONFIG, parseSetting, type TrainerManifest } from '@trainyard/contract'
import { suggest } from '@trainyard/contract/format'
import { UsageError } from '../../errors.ts'

/** The keywords of a JSON Schema that are checked here. The platform checks all of them. */
interface SettingSchema {
  type?: unknown
  enum?: unknown
  minimum?: unknown
  maximum?: unknown
  exclusiveMinimum?: unknown
  exclusiveMaximum?: unknown
}

/**
 * Refuses settings that the manifest does not allow: an unknown name, a wrong type, a value that is not in its list or outside of its
 * range. Throws {@link UsageError} that names the flag and what is expected.
 */
export function checkSettings(args: readonly string[], { name: trainer, config }: TrainerManifest): void {
  const { properties = {}, additionalProperties } = config.schema
  const flags = new Map(Object.keys(properties).map((name) => [name.replaceAll('_', '-'), name] as const))
  const text = { type: 'string' } as const
  const options = Object.fromEntries([...flags.keys()].map((flag) => [flag, text]))
  // Not strict: the other arguments belong to the trainer.
  const { values } = parseArgs({
    args: [...args],
    options: Object.assign(options, { set: { type: 'string', multiple: true } as const }),
    strict: false,
    allowPositionals: true,
  })
  for (const [flag, name] of flags) {
    const value: unknown = values[flag]
    if (typeof value === 'string') checkValue(`--${flag}`, value, properties[name])
  }
  const sets: unknown[] = Array.isArray(values.set) ? values.set : []
  for (const item of sets) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(String(item)) ?? []
    // The trainer explains what is not NAME=VALUE.
    if (name === undefined || value === undefined) continue
    const isKnown = Object.hasOwn(properties, name) || Object.hasOwn(DEFAULT_BASIC_CONFIG, name)
    if (!isKnown && additionalProperties === false)
      throw new UsageError(
        `--set ${name}: ${trainer} has no setting "${name}"${suggest(name, Object.keys(properties))}`,
      )
    if (Object.hasOwn(properties, name)) checkValue(`--set ${name}`, value, properties[name])
  }
}

function checkValue(flag: string, text: string, property: unknown): void {
  const schema: SettingSchema = typeof property === 'object' && property !== null ? property : {}
  if (isAllowed(parseSetting(text, schema), schema)) return
  throw new UsageError(`${flag} is "${text}": expected ${describe(schema)}`)
}

function isAllowed(value: unknown, schema: SettingSchema): boolean {
  const { type, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema
  if (Array.isArray(schema.enum)) return schema.enum.includes(value)
  if (type === 'boolean') return typeof value === 'boolean'
  if (type !== 'integer' && type !== 'number') return true
  return (
    typeof value === 'number' &&
    (type !== 'integer' || Number.isInteger(value)) &&
    !(typeof minimum === 'number' && value < minimum) &&
    !(typeof maximum === 'number' && value > maximum) &&
    !(typeof exclusiveMinimum === 'number' && value <= exclusiveMinimum) &&
    !(typeof exclusiveMaximum === 'number' && value >= exclusiveMaximum)
  )
}

/** `a whole number of at least 1 and at most 10000` */
function describe(schema: SettingSchema): string {
  const { type, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema
  if (Array.isArray(schema.enum)) return `one of ${schema.enum.map((each) => JSON.stringify(each)).join(', ')}`
  if (type === 'boolean') return 'true or false'
  const limits = [
    typeof minimum === 'number' ? `at least ${minimum}` : '',
    typeof exclusiveMinimum === 'number' ? `more than ${exclusiveMinimum}` : '',
    typeof maximum === 'number' ? `at most ${maximum}` : '',
    typeof exclusiveMaximum === 'number' ? `less than ${exclusiveMaximum}` : '',
  ].filter(Boolean)
  const kind = type === 'integer' ? 'a whole number' : 'a number'
  return limits.length === 0 ? kind : `${kind} of ${limits.join(' and ')}`
}
