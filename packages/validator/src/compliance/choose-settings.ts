import type { TrainerManifest, TrainerModel } from '@trainyard/contract'

/** Settings for a short run. */
export interface ChosenSettings {
  readonly config: Readonly<Record<string, unknown>>
  /** The chosen number of epochs; undefined if the trainer has no such setting. */
  readonly epochs: number | undefined
}

type Property = Readonly<Record<string, unknown>>

/** Preferred values of common settings, which make a run fast. */
const PREFERRED = { batch: 8, workers: 0, augment: false, device: 'cpu' } as const

/** Chooses settings for a fast run within the manifest's schema, with the nearest allowed number of epochs. */
export function chooseSettings(
  manifest: TrainerManifest,
  model: TrainerModel,
  epochs: number,
  seed: number,
): ChosenSettings {
  const schema = manifest.config.schema
  const properties = (schema.properties ?? {}) as Record<string, Property | boolean>
  const preferred: Record<string, unknown> = { ...PREFERRED, epochs, imgsz: sideOf(manifest, model), seed }
  const config: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(properties)) {
    if (typeof property !== 'object' || property === null) continue
    if (Object.hasOwn(preferred, name)) {
      const value = fit(property, preferred[name])
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

/** The smallest images that the author recommends, in pixels: of a preset or of the model. */
function sideOf({ config }: TrainerManifest, model: TrainerModel): number {
  const ofPresets = Object.values(config.presets).map(({ imgsz }) => imgsz)
  const sides = [model.inputSize, ...ofPresets].filter((side) => typeof side === 'number')
  return sides.length === 0 ? 32 : Math.min(...sides)
}

/** The nearest value to `preferred` that a property's schema allows; undefined to use the default. */
function fit(property: Property, preferred: unknown): unknown {
  if (property.const !== undefined) return property.const
  if (Array.isArray(property.enum)) return fitEnum(property.enum as unknown[], preferred)
  const types = Array.isArray(property.type) ? (property.type as unknown[]) : [property.type]
  if (types.includes('integer') || types.includes('number'))
    return fitNumber(property, preferred, types.includes('integer'))
  const type = types.find((one) => one !== 'null')
  if (type === 'boolean') return typeof preferred === 'boolean' ? preferred : false
  if (type === 'string') {
    if (typeof preferred !== 'string') return preferred === undefined ? 'a' : undefined
    return property.pattern === undefined ? preferred : undefined
  }
  return undefined
}

function fitEnum(values: readonly unknown[], preferred: unknown): unknown {
  if (values.includes(preferred)) return preferred
  if (typeof preferred !== 'number') return preferred === undefined ? values[0] : undefined
  const numbers = values.filter((value) => typeof value === 'number').sort((a, b) => a - b)
  return numbers.find((value) => value >= preferred) ?? numbers.at(-1)
}

function fitNumber(property: Property, preferred: unknown, integer: boolean): number | undefined {
  const limit = (name: string) => (typeof property[name] === 'number' ? (property[name] as number) : undefined)
  const step = limit('multipleOf') ?? (integer ? 1 : 0)
  const above = limit('exclusiveMinimum')
  const below = limit('exclusiveMaximum')
  const min = Math.max(limit('minimum') ?? -Infinity, above === undefined ? -Infinity : above + (step || 1e-9))
  const max = Math.min(limit('maximum') ?? Infinity, below === undefined ? Infinity : below - (step || 1e-9))
  const start = typeof preferred === 'number' ? preferred : Number.isFinite(min) ? min : 1
  const inside = Math.min(Math.max(start, min), max)
  if (step === 0) return inside
  const up = Math.ceil(inside / step) * step
  return up <= max ? up : Math.floor(inside / step) * step
}
