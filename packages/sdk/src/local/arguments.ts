import { parseArgs } from 'node:util'
import { DEFAULT_BASIC_CONFIG, Operation, parseSetting, TaskType, type TrainerManifest } from '@trainyard/contract'
import { suggest } from '@trainyard/contract/format'
import { ConfigError } from '@trainyard/contract/trainer-errors'
import type { Environment } from '../config/read-environment.ts'

/** The arguments of a local run. */
export interface LocalArguments {
  help: boolean
  operation: Operation
  dataset: string | undefined
  images: string | undefined
  checkpoint: string | undefined
  out: string | undefined
  runsDir: string
  model: string | undefined
  task: TaskType | undefined
  /** The environment with the flags applied, so that the same code reads them as on a platform. */
  env: Environment
  format: string | undefined
}

/** The basic setting of each flag. */
const SETTING_FLAGS = Object.fromEntries(
  Object.keys(DEFAULT_BASIC_CONFIG).map((key) => [key.replaceAll('_', '-'), key] as const),
)
/** Variables of the settings whose variable is not `CONFIG_` and their name. */
const OWN_VARIABLES: Readonly<Record<string, string>> = {
  epochs: 'EPOCHS',
  batch: 'BATCH_SIZE',
  learning_rate: 'LEARNING_RATE',
  imgsz: 'IMGSZ',
  device: 'DEVICE',
}

/** Parses the arguments of a local run. Throws `ConfigError` with the name of an invalid argument. */
export function parseArguments(argv: readonly string[], env: Environment, manifest?: TrainerManifest): LocalArguments {
  const text = { type: 'string' } as const
  const settings = Object.fromEntries(Object.keys(SETTING_FLAGS).map((flag) => [flag, text]))
  let parsed: ReturnType<typeof parse>
  const parse = () =>
    parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        dataset: text,
        images: text,
        checkpoint: text,
        format: text,
        out: text,
        runs: text,
        model: text,
        task: text,
        config: text,
        set: { type: 'string', multiple: true },
        ...settings,
      },
    })
  try {
    parsed = parse()
  } catch (error) {
    throw new ConfigError(`${describe(error, Object.keys(SETTING_FLAGS), manifest)} See --help`)
  }
  const values = parsed.values as Record<string, string | boolean | string[] | undefined>
  const [word = env.OPERATION ?? 'train', ...rest] = parsed.positionals
  const operation = Operation.safeParse(word)
  if (!operation.success || rest.length > 0) {
    const seen = JSON.stringify([word, ...rest].join(' '))
    throw new ConfigError(`The operation is ${seen}; expected one of: ${Operation.options.join(', ')}`)
  }
  const get = (name: string): string | undefined => {
    const value = values[name]
    return typeof value === 'string' ? value : undefined
  }
  const taskText = get('task') ?? env.TASK_TYPE
  const task = TaskType.safeParse(taskText)
  if (taskText !== undefined && taskText !== '' && !task.success) {
    throw new ConfigError(`--task is ${JSON.stringify(taskText)}; expected one of: ${TaskType.options.join(', ')}`)
  }

  const merged: Record<string, string | undefined> = { ...env }
  for (const [flag, key] of Object.entries(SETTING_FLAGS)) {
    const value = get(flag)
    if (value !== undefined) merged[OWN_VARIABLES[key] ?? `CONFIG_${key.toUpperCase()}`] = value
  }
  applyConfig(merged, get('config'), Array.isArray(values.set) ? values.set : [], manifest)
  return {
    help: values.help === true,
    operation: operation.data,
    dataset: get('dataset') ?? env.DATASET,
    images: get('images'),
    checkpoint: get('checkpoint'),
    out: get('out'),
    runsDir: get('runs') ?? 'runs',
    model: get('model') ?? env.MODEL_NAME,
    task: task.data,
    env: merged,
    format: get('format') ?? env.EXPORT_FORMAT,
  }
}

/** `--config` is a file, or JSON; `--set name=value` overrides single settings. */
function applyConfig(
  env: Record<string, string | undefined>,
  config: string | undefined,
  sets: readonly string[],
  manifest: TrainerManifest | undefined,
): void {
  if (config?.trimStart().startsWith('{')) {
    env.CONFIG = config
    delete env.CONFIG_FILE
  } else if (config !== undefined) env.CONFIG_FILE = config
  if (sets.length === 0) return
  if (env.CONFIG_FILE !== undefined)
    throw new ConfigError('--set and a config file cannot be combined; put the setting into the file')
  const json = JSON.parse(env.CONFIG ?? '{}') as { basic?: Record<string, unknown>; advanced?: Record<string, unknown> }
  for (const item of sets) {
    const at = item.indexOf('=')
    if (at < 1) throw new ConfigError(`--set is ${JSON.stringify(item)}; expected name=value`)
    const name = item.slice(0, at)
    const properties = manifest?.config.schema.properties ?? {}
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined
    json[groupOf(name, property)] = {
      ...json[groupOf(name, property)],
      [name]: parseSetting(item.slice(at + 1), property),
    }
  }
  env.CONFIG = JSON.stringify(json)
}

/** As on a platform: the manifest decides. A setting that it does not declare is a basic one only if every trainer has it. */
function groupOf(name: string, property: unknown): 'basic' | 'advanced' {
  if (property === undefined) return name in DEFAULT_BASIC_CONFIG ? 'basic' : 'advanced'
  const isAdvanced = typeof property === 'object' && property !== null && 'x-advanced' in property
  return isAdvanced && property['x-advanced'] === true ? 'advanced' : 'basic'
}

const INPUT_FLAGS = [
  'dataset',
  'images',
  'checkpoint',
  'format',
  'out',
  'runs',
  'model',
  'task',
  'config',
  'set',
  'help',
]

/** Node's message for an unknown flag advises to write `--`, which does not help here. */
function describe(error: unknown, settings: readonly string[], manifest: TrainerManifest | undefined): string {
  const message = error instanceof Error ? error.message : String(error)
  const [, flag] = /^Unknown option '(-[^']*)'/.exec(message) ?? []
  if (flag === undefined) return `${message}.`
  const name = flag.replace(/^--?/, '')
  const setting = name.replaceAll('-', '_')
  if (Object.hasOwn(manifest?.config.schema.properties ?? {}, setting))
    return `${flag} is a setting of this trainer; expected --set ${setting}=VALUE.`
  return `${flag} is not an option${suggest(name, [...settings, ...INPUT_FLAGS], (close) => `--${close}`) || '.'}`
}
