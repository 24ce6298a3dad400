import { DEFAULT_BASIC_CONFIG, type TrainerManifest } from '@trainyard/contract'
import { z } from 'zod'
import { t } from '../words/t.ts'

export const SettingProperty = z.looseObject({
  type: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .catch(undefined),
  title: z.string().optional().catch(undefined),
  description: z.string().optional().catch(undefined),
  default: z.unknown().optional(),
  enum: z.array(z.unknown()).optional().catch(undefined),
  oneOf: z
    .array(z.looseObject({ const: z.unknown(), title: z.string().optional() }))
    .optional()
    .catch(undefined),
  const: z.unknown().optional(),
  minimum: z.number().optional().catch(undefined),
  maximum: z.number().optional().catch(undefined),
  exclusiveMinimum: z.number().optional().catch(undefined),
  exclusiveMaximum: z.number().optional().catch(undefined),
  maxLength: z.number().int().optional().catch(undefined),
  'x-advanced': z.boolean().optional().catch(undefined),
  'x-group': z.string().optional().catch(undefined),
})

export type SettingProperty = z.infer<typeof SettingProperty>

export interface Setting {
  name: string
  title: string | undefined
  type: string
  /** The schema, as far as it is understood. */
  property: SettingProperty
  default: unknown
  /** As JSON. Undefined when the setting has no default. */
  defaultValue: string | undefined
  /** The allowed values in words: "1 to 100", "one of "sgd", "adam"". */
  range: string | undefined
  description: string | undefined
  group: string
  advanced: boolean
}

/** The settings that a manifest's JSON Schema declares, in order. Unknown keywords are ignored. */
export function listSettings(manifest: TrainerManifest): Setting[] {
  const properties = manifest.config.schema.properties ?? {}
  return Object.entries(properties).map(([name, value]) => {
    const parsed = SettingProperty.safeParse(value)
    const property = parsed.success ? parsed.data : {}
    const advanced = property['x-advanced'] === true
    const fallback = advanced ? undefined : (DEFAULT_BASIC_CONFIG as Record<string, unknown>)[name]
    const defaultValue = property.default ?? fallback
    return {
      name,
      title: property.title,
      property,
      default: defaultValue,
      type: typeOf(property),
      defaultValue: defaultValue === undefined ? undefined : JSON.stringify(defaultValue),
      range: rangeOf(property),
      description: property.description ?? property.title,
      group: property['x-group'] ?? (advanced ? 'Advanced' : 'Basic'),
      advanced,
    }
  })
}

function typeOf(property: SettingProperty): string {
  if (Array.isArray(property.type)) return property.type.join(` ${t('or')} `)
  return property.type ?? (property.enum ? 'choice' : 'any')
}

/** More than a person reads. */
const SHOWN_VALUES = 20

function listValues(values: readonly unknown[]): string {
  const shown = values.slice(0, SHOWN_VALUES).map((value) => JSON.stringify(value).slice(0, 200))
  const more = values.length - shown.length
  return more > 0 ? `${shown.join(', ')} ${t('and {count} more', { count: more })}` : shown.join(', ')
}

function rangeOf(property: SettingProperty): string | undefined {
  if (property.enum !== undefined) return t('one of {values}', { values: listValues(property.enum) })
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = property
  if (minimum !== undefined && maximum !== undefined) return t('{minimum} to {maximum}', { minimum, maximum })
  const bounds = [
    minimum === undefined ? undefined : t('at least {value}', { value: minimum }),
    exclusiveMinimum === undefined ? undefined : t('above {value}', { value: exclusiveMinimum }),
    maximum === undefined ? undefined : t('at most {value}', { value: maximum }),
    exclusiveMaximum === undefined ? undefined : t('below {value}', { value: exclusiveMaximum }),
  ].filter((bound) => bound !== undefined)
  return bounds.length === 0 ? undefined : bounds.join(', ')
}
