import type { TrainerManifest, TrainerModel } from '@trainyard/contract'

/** Settings for the shortest run that still shows something. */
export interface ChosenSettings {
  readonly config: Readonly<Record<string, unknown>>
  /** What `epochs` became; undefined when the trainer has no such setting. */
  readonly epochs: number | undefined
}

type Property = Readonly<Record<string, unknown>>

/** Settings by which every trainer can be made fast, each with the value that is wanted if the schema allows it. */
const WANTED = { batch: 8, workers: 0, augment: false, device: 'cpu' } as const

/** Picks the smallest settings that a manifest's schema allows, with `epochs` as near as possible to what is wanted. */
export function chooseSettings(
  manifest: TrainerManifest,
  model: TrainerModel,
  epochs: number,
  seed: number,
): ChosenSettings {
  const schema = manifest.config.schema
  const properties = (schema.properties ?? {}) as Record<string, Property | boolean>
  const wanted: Record<string, unknown> = { ...WANTED, epochs, imgsz: model.inputSize ?? 32, seed }
  const config: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(properties)) {
    if (typeof property !== 'object' || property === null) continue
    if (Object.hasOwn(wanted, name)) {
      const value = fit(property, wanted[name])
      if (value !== undefined) config[name] = value
    }
  }
  const required = Array.isArray(schema.required) ? (schema.required as unknown[]) : []
  const preset = Object.values(manifest.config.presets)[0] ?? {}
  for (const name of required) {
    if (typeof name !== 'string' || Object.hasOwn(config, name)) continue
    const property = properties[name]
    const value = Object.hasOwn(preset, name)
      ? preset[name]
      : typeof property === 'object' && property.default === undefined
        ? fit(property, undefined)
        : undefined
    if (value !== undefined) config[name] = value
  }
  return { config, epochs: typeof config.epochs === 'number' ? config.epochs : undefined }
}

/** The nearest value to a wanted one that a property's schema allows; undefined leaves it to the default. */
function fit(property: Property, wanted: unknown): unknown {
  if (property.const !== undefined) return property.const
  if (Array.isArray(property.enum)) return fitEnum(property.enum as unknown[], wanted)
  const types = Array.isArray(property.type) ? (property.type as unknown[]) : [property.type]
  if (types.includes('integer') || types.includes('number'))
    return fitNumber(property, wanted, types.includes('integer'))
  const type = types.find((one) => one !== 'null')
  if (type === 'boolean') return typeof wanted === 'boolean' ? wanted : false
  if (type === 'string') {
    if (typeof wanted !== 'string') return wanted === undefined ? 'a' : undefined
    return property.pattern === undefined ? wanted : undefined
  }
  return undefined
}

function fitEnum(values: readonly unknown[], wanted: unknown): unknown {
  if (values.includes(wanted)) return wanted
  if (typeof wanted !== 'number') return wanted === undefined ? values[0] : undefined
  const numbers = values.filter((value) => typeof value === 'number').sort((a, b) => a - b)
  return numbers.find((value) => value >= wanted) ?? numbers.at(-1)
}

function fitNumber(property: Property, wanted: unknown, integer: boolean): number | undefined {
  const limit = (name: string) => (typeof property[name] === 'number' ? (property[name] as number) : undefined)
  const step = limit('multipleOf') ?? (integer ? 1 : 0)
  const above = limit('exclusiveMinimum')
  const below = limit('exclusiveMaximum')
  const min = Math.max(limit('minimum') ?? -Infinity, above === undefined ? -Infinity : above + (step || 1e-9))
  const max = Math.min(limit('maximum') ?? Infinity, below === undefined ? Infinity : below - (step || 1e-9))
  const start = typeof wanted === 'number' ? wanted : Number.isFinite(min) ? min : 1
  const inside = Math.min(Math.max(start, min), max)
  if (step === 0) return inside
  const up = Math.ceil(inside / step) * step
  return up <= max ? up : Math.floor(inside / step) * step
}
