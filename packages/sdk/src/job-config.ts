import type { BasicConfig } from '@trainyard/contract'

/** The settings that every trainer has, with all defaults applied. */
interface KnownSettings {
  imgsz: number
  epochs: number
  batch: number
  learning_rate: number
  optimizer: string
  augment: boolean
  device: string
  workers: number
  patience: number
  seed: number
}

/** The basic settings with all defaults applied. */
export type ResolvedBasicConfig = BasicConfig & KnownSettings

/** The settings of a job. */
export interface ResolvedConfig {
  /** Settings that every trainer has. */
  basic: ResolvedBasicConfig
  /** Settings that the trainer's manifest declares as `x-advanced`. */
  advanced: Record<string, unknown>
}

/**
 * The settings of a job of the trainer with the manifest `M`: `ConfigOf<typeof manifest>`, with `trainer.json` imported as a type. A
 * setting without a default can be undefined. Without a manifest: {@link ResolvedConfig}.
 */
export type ConfigOf<M> = unknown extends M
  ? ResolvedConfig
  : {
      basic: KnownSettings & Group<PropertiesOf<M>, false>
      advanced: Group<PropertiesOf<M>, true>
    }

type PropertiesOf<M> = M extends { config: { schema: { properties: infer P } } } ? P : Record<never, unknown>

/** The settings of one group, by name. */
type Group<P, IsAdvanced extends boolean> = {
  -readonly [Name in keyof P as IsAdvancedProperty<P[Name]> extends IsAdvanced ? Name : never]: SettingOf<P[Name]>
}

/** In an imported JSON file, `true` has the type boolean. */
type IsAdvancedProperty<P> = P extends { 'x-advanced': infer Value } ? ([Value] extends [false] ? false : true) : false

type SettingOf<P> = P extends { default: unknown } ? ValueOf<P> : ValueOf<P> | undefined

type ValueOf<P> = P extends { enum: readonly (infer Value)[] }
  ? Value
  : P extends { type: infer Type extends string }
    ? string extends Type
      ? GuessOf<P>
      : NamedType<Type>
    : GuessOf<P>

interface JsonTypes {
  integer: number
  number: number
  string: string
  boolean: boolean
  array: unknown[]
  object: Record<string, unknown>
  null: null
}

type NamedType<Type extends string> = Type extends keyof JsonTypes ? JsonTypes[Type] : unknown

/** In an imported JSON file, `type` is only a string: the default and the keywords tell the type. */
type GuessOf<P> = P extends { default: infer Value }
  ? Widened<Value>
  : P extends { minimum: number } | { maximum: number } | { exclusiveMinimum: number } | { exclusiveMaximum: number }
    ? number
    : P extends { minLength: number } | { maxLength: number } | { pattern: string } | { format: string }
      ? string
      : unknown

type Widened<Value> = Value extends number
  ? number
  : Value extends string
    ? string
    : Value extends boolean
      ? boolean
      : Value extends readonly (infer Item)[]
        ? ([Item] extends [never] ? unknown : Widened<Item>)[]
        : unknown
