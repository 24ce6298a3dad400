import type { SplitName, TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { parseDocument } from 'yaml'
import { isFlipIndex } from './flip-index.ts'

/** What a `data.yaml` says. */
export interface DataYamlOptions {
  /** Class names in the order of their numbers. */
  names: readonly string[]
  /** Folder or list of each split, relative to the file. Default `images/train` and `images/val`. */
  splits?: Partial<Record<SplitName, string>>
  task?: TaskType
  /** Keypoints of an object and numbers of each (2 or 3), for pose. */
  keypointShape?: readonly [count: number, dimensions: number]
  /** Names of the keypoints by class, where they are known. */
  keypointNames?: ReadonlyMap<number, readonly string[]>
  /** Mirror image of each keypoint; throws `DatasetError` unless it undoes itself. */
  flipIndex?: readonly number[]
}

/**
 * The `data.yaml` that Ultralytics reads. Every name is quoted: bare `no` would be read as a truth value and `1.0` as a
 * number. There is no `path`, so that the folder of the file is taken wherever it is moved, and never a `download`.
 *
 * ```ts
 * createDataYaml({ names: ['cat', 'dog'], splits: { train: 'images/train', val: 'images/val' } })
 * ```
 */
export function createDataYaml(options: DataYamlOptions): string {
  const { names, task, keypointShape, keypointNames, flipIndex } = options
  const splits = options.splits ?? { train: 'images/train', val: 'images/val' }
  const lines: string[] = []
  // For readers that cannot tell outlines of four points from turned boxes; a comment, because a loader may mind a key.
  if (task !== undefined) lines.push(`# task: ${task}`)
  for (const split of ['train', 'val', 'test'] as const) {
    const entry = splits[split]
    if (entry !== undefined) lines.push(`${split}: ${quote(entry)}`)
  }
  lines.push('', `nc: ${names.length}`)
  if (names.length === 0) lines.push('names: {}')
  else lines.push('names:', ...names.map((name, id) => `  ${id}: ${quote(name)}`))
  if (keypointShape !== undefined) {
    const [count, dimensions] = keypointShape
    lines.push('', `kpt_shape: [${count}, ${dimensions}]`)
    if (flipIndex !== undefined) {
      if (!isFlipIndex(flipIndex, count)) {
        throw new DatasetError(
          `flip_idx is [${flipIndex.join(', ')}]; wanted is the mirror image of each of ${count} keypoints, and theirs back`,
        )
      }
      lines.push(`flip_idx: [${flipIndex.join(', ')}]`)
    }
    if (keypointNames !== undefined && keypointNames.size > 0) {
      lines.push('kpt_names:')
      for (const [id, points] of keypointNames) lines.push(`  ${id}: [${points.map(quote).join(', ')}]`)
    }
  }
  return `${lines.join('\n')}\n`
}

/** A double-quoted scalar that YAML 1.1 and 1.2 read alike: what is not plainly printable is escaped. */
function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u00a0\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff0-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** What a `data.yaml` says, its paths as written. */
export interface DataYaml {
  path?: string
  splits: Partial<Record<SplitName, string[]>>
  /** Undefined when there are neither names nor a count. */
  names?: string[]
  task?: TaskType
  keypointShape?: [count: number, dimensions: number]
  keypointNames: Map<number, string[]>
  flipIndex?: number[]
  /** It wants something downloaded or run. We do neither; whoever reads it says so. */
  hasDownload: boolean
}

const TASKS: Readonly<Record<string, TaskType>> = {
  detect: 'detection',
  detection: 'detection',
  segment: 'segmentation',
  segmentation: 'segmentation',
  pose: 'pose',
  obb: 'obb',
  classify: 'classification',
  classification: 'classification',
}

/**
 * Reads a `data.yaml`. Throws `DatasetError` for what the loader would refuse: classes that are not numbered 0 to n-1, a
 * count that is not that of the names, a `kpt_shape` that is none.
 */
export function parseDataYaml(text: string, file = 'data.yaml'): DataYaml {
  const fail = (what: string): never => {
    throw new DatasetError(`${file}: ${what}`)
  }
  // Every scalar stays text: a class named `no` is not false, and no tag builds an object.
  const document = parseDocument(text.replace(/^\ufeff/, ''), { schema: 'failsafe', logLevel: 'error' })
  const [error] = document.errors
  if (error !== undefined) fail(`it is not YAML: ${error.message.split('\n', 1).join('')}`)
  const content = readContent()
  const read = (key: string) => (Object.hasOwn(content, key) ? content[key] : undefined)

  const splits: DataYaml['splits'] = {}
  for (const [key, split] of SPLIT_KEYS) {
    const entries = toTexts(read(key))
    if (entries.length > 0) splits[split] ??= entries
  }
  const yaml: DataYaml = { splits, keypointNames: new Map(), hasDownload: read('download') !== undefined }
  const path = read('path')
  if (typeof path === 'string' && path !== '') yaml.path = path
  const task = TASKS[String(read('task') ?? /^#\s*task:\s*(\w+)/m.exec(text)?.[1] ?? '')]
  if (task !== undefined) yaml.task = task
  const names = readNames(read('names'))
  const count = read('nc')
  if (count !== undefined && count !== '' && (typeof count !== 'string' || !/^\d{1,6}$/.test(count))) {
    fail(`nc is ${show(count)}; wanted is a count of classes`)
  }
  if (names !== undefined && count !== undefined && count !== '' && Number(count) !== names.length) {
    fail(`nc is ${count}, but there are ${names.length} names`)
  }
  if (names !== undefined) yaml.names = names
  else if (typeof count === 'string' && count !== '') {
    yaml.names = Array.from({ length: Number(count) }, (_, id) => `class_${id}`)
  }
  readKeypoints()
  return yaml

  function readContent(): Record<string, unknown> {
    let value: unknown
    try {
      // Aliases are expanded: a few lines must not become gigabytes.
      value = document.toJS({ maxAliasCount: 100 })
    } catch (cause) {
      fail(`it is not YAML: ${cause instanceof Error ? cause.message : cause}`)
    }
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
    return fail(`it holds ${show(value)}; wanted is a mapping with "train", "val" and "names"`)
  }

  function readNames(value: unknown): string[] | undefined {
    if (value === undefined || value === '') return undefined
    if (Array.isArray(value)) return value.map((name, id) => toName(name, id))
    if (typeof value !== 'object' || value === null) {
      return fail(`names is ${show(value)}; wanted is a list, or a mapping from 0 on`)
    }
    const entries = Object.entries(value)
    const list: string[] = []
    for (const [key, name] of entries) {
      const id = Number(key)
      if (!/^\d+$/.test(key) || id >= entries.length) {
        fail(`names has the key ${show(key)}; wanted are the numbers 0 to ${entries.length - 1}, each once`)
      }
      list[id] = toName(name, id)
    }
    if (list.length !== entries.length || Object.keys(list).length !== list.length) {
      fail(`names has ${entries.length} keys, but not the numbers 0 to ${entries.length - 1}, each once`)
    }
    return list
  }

  function toName(name: unknown, id: number): string {
    return typeof name === 'string' ? name : fail(`The name of class ${id} is ${show(name)}; wanted is text`)
  }

  function readKeypoints(): void {
    const shape = read('kpt_shape')
    if (shape === undefined || shape === '') return
    const [keypoints = 0, dimensions = 0, ...rest] = toTexts(shape).map(Number)
    const isShape = Number.isInteger(keypoints) && keypoints >= 1 && keypoints <= 10_000
    if (!isShape || (dimensions !== 2 && dimensions !== 3) || rest.length > 0) {
      fail(`kpt_shape is ${show(shape)}; wanted is [count, 2] or [count, 3]`)
    }
    yaml.keypointShape = [keypoints, dimensions]
    const flipIndex = toTexts(read('flip_idx')).map(Number)
    if (flipIndex.length > 0 && isFlipIndex(flipIndex, keypoints)) yaml.flipIndex = flipIndex
    const named = read('kpt_names')
    if (typeof named !== 'object' || named === null) return
    for (const [key, list] of Array.isArray(named) ? [['0', named] as const] : Object.entries(named)) {
      const points = toTexts(list)
      if (/^\d+$/.test(key) && points.length === keypoints) yaml.keypointNames.set(Number(key), points)
    }
  }
}

const SPLIT_KEYS: readonly (readonly [string, SplitName])[] = [
  ['train', 'train'],
  ['val', 'val'],
  ['validation', 'val'],
  ['valid', 'val'],
  ['test', 'test'],
]

function toTexts(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value]
  return list.filter((entry): entry is string => typeof entry === 'string' && entry !== '')
}

function show(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 200)
  } catch {
    return 'something that holds itself'
  }
}
