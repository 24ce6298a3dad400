import { readFileSync } from 'node:fs'
import {
  BASIC_CONFIG_VARIABLES,
  BasicConfig,
  DEFAULT_BASIC_CONFIG,
  describeIssue,
  JobConfig,
  type TrainerManifest,
} from '@trainyard/contract'
import { ConfigError } from '@trainyard/contract/trainer-errors'
import type { ResolvedBasicConfig, ResolvedConfig } from '../job-config.ts'
import type { Environment } from './read-environment.ts'

type BasicKey = keyof typeof DEFAULT_BASIC_CONFIG
const BASIC_KEYS = Object.keys(DEFAULT_BASIC_CONFIG) as BasicKey[]

/**
 * The settings of a job. A basic setting is read from its own variable (`EPOCHS`, or its older name `CONFIG_EPOCHS`), then
 * from `CONFIG.basic`, then from the manifest's default, then from the contract's default. Throws `ConfigError` with the variable,
 * its value and the expected value.
 */
export function resolveConfig(env: Environment, manifest?: TrainerManifest): ResolvedConfig {
  const given = readConfig(env)
  const defaults = manifestDefaults(manifest)
  const basic = { ...DEFAULT_BASIC_CONFIG, ...defaults.basic, ...given.basic } as ResolvedBasicConfig
  for (const key of BASIC_KEYS) {
    const own = ownVariable(env, key)
    if (own !== undefined) Object.assign(basic, { [key]: parseOwn(key, own.name, own.text) })
  }
  return { basic, advanced: { ...defaults.advanced, ...given.advanced } }
}

/** A setting, and where its value comes from. */
export interface ExplainedSetting {
  name: string
  value: unknown
  source: { kind: 'default' | 'manifest' } | { kind: 'variable'; name: string } | { kind: 'file'; path: string }
}

/** Lists every setting with its source. */
export function explainConfig(env: Environment, manifest?: TrainerManifest): ExplainedSetting[] {
  const { basic, advanced } = resolveConfig(env, manifest)
  const given = readConfig(env)
  const defaults = manifestDefaults(manifest)
  const whole: ExplainedSetting['source'] = env.CONFIG_FILE
    ? { kind: 'file', path: env.CONFIG_FILE }
    : { kind: 'variable', name: 'CONFIG' }
  const sourceIn = (group: 'basic' | 'advanced', name: string): ExplainedSetting['source'] => {
    if (name in given[group]) return whole
    return { kind: name in defaults[group] ? 'manifest' : 'default' }
  }
  return [
    ...Object.entries(basic).map(([name, value]): ExplainedSetting => {
      const key = BASIC_KEYS.find((each) => each === name)
      const own = key === undefined ? undefined : ownVariable(env, key)
      return { name, value, source: own ? { kind: 'variable', name: own.name } : sourceIn('basic', name) }
    }),
    ...Object.entries(advanced).map(
      ([name, value]): ExplainedSetting => ({ name, value, source: sourceIn('advanced', name) }),
    ),
  ]
}

/** The variables of a basic setting, by precedence. */
function variablesOf(key: BasicKey): string[] {
  const own = Object.entries(BASIC_CONFIG_VARIABLES).find(([, name]) => name === key)?.[0]
  const older = [`CONFIG_${key.toUpperCase()}`]
  return own === undefined ? older : [...new Set([own, `CONFIG_${own}`, ...older])]
}

function ownVariable(env: Environment, key: BasicKey): { name: string; text: string } | undefined {
  for (const name of variablesOf(key)) {
    const text = env[name]
    if (text !== undefined && text.trim() !== '') return { name, text: text.trim() }
  }
  return undefined
}

function parseOwn(key: BasicKey, variable: string, text: string): unknown {
  const example = DEFAULT_BASIC_CONFIG[key]
  let value: unknown = text
  if (typeof example === 'number') value = Number(text)
  if (typeof example === 'boolean')
    value = /^(true|1|yes|on)$/i.test(text) ? true : /^(false|0|no|off)$/i.test(text) ? false : text
  const parsed = BasicConfig.shape[key].safeParse(value)
  if (parsed.success) return parsed.data
  const details = parsed.error.issues.flatMap((issue) => describeIssue(issue)).map(({ detail }) => detail)
  throw new ConfigError(`${variable} is ${JSON.stringify(text.slice(0, 200))}; ${details.join(', ')}`)
}

function readConfig(env: Environment): JobConfig {
  const file = env.CONFIG_FILE
  const isFile = file !== undefined && file !== ''
  const name = isFile ? 'CONFIG_FILE' : 'CONFIG'
  let text: string | undefined = env.CONFIG
  if (isFile) {
    try {
      text = readFileSync(file, 'utf8')
    } catch (error) {
      throw new ConfigError(`CONFIG_FILE is "${file}", which cannot be read`, { cause: error })
    }
  }
  if (text === undefined || text.trim() === '') return { basic: {}, advanced: {} }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new ConfigError(
      `${name} is ${JSON.stringify(text.slice(0, 100))}; expected JSON of {basic, advanced} (${why})`,
    )
  }
  const parsed = JobConfig.safeParse(json)
  if (parsed.success) return parsed.data
  const sentences = parsed.error.issues.flatMap((issue) =>
    describeIssue(issue).map(({ path, detail }) => {
      const value = path.reduce<unknown>(
        (parent, key) => (parent as Record<PropertyKey, unknown> | undefined)?.[key],
        json,
      )
      return `${[name, ...path].join('.')} is ${JSON.stringify(value)?.slice(0, 200)}; ${detail}`
    }),
  )
  throw new ConfigError(sentences.join('. '))
}

/** The defaults in the manifest's config schema. `x-advanced` selects the group of a setting. */
function manifestDefaults(manifest?: TrainerManifest): JobConfig {
  const config: JobConfig = { basic: {}, advanced: {} }
  for (const [name, property] of Object.entries(manifest?.config.schema.properties ?? {})) {
    if (typeof property !== 'object' || property === null || !('default' in property)) continue
    const isAdvanced = 'x-advanced' in property && property['x-advanced'] === true
    config[isAdvanced ? 'advanced' : 'basic'][name] = property.default
  }
  return config
}
