import type { SplitName, TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { parseDocument } from 'yaml'
import { isFlipIndex } from './flip-index.ts'

/** The content of a `data.yaml`, with its paths as written. */
export interface DataYaml {
  path?: string | undefined
  splits: Partial<Record<SplitName, string[]>>
  /** Undefined when the file has no names. */
  names?: string[] | undefined
  /** The number of classes, `nc`. */
  classCount?: number | undefined
  task?: TaskType | undefined
  keypointShape?: [count: number, dimensions: number] | undefined
  keypointNames: Map<number, string[]>
  flipIndex?: number[] | undefined
  /** The file asks for a download or a script. Nothing is run; the reader reports it. */
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

const SPLIT_KEYS: readonly (readonly [string, SplitName])[] = [
  ['train', 'train'],
  ['val', 'val'],
  ['validation', 'val'],
  ['valid', 'val'],
  ['test', 'test'],
]

type Fail = (what: string) => never

/**
 * Reads a `data.yaml`. Throws `DatasetError` for what the loader refuses: classes that are not numbered from 0 to n-1, a
 * count that differs from the number of names, an invalid `kpt_shape`.
 */
export function parseDataYaml(text: string, file = 'data.yaml'): DataYaml {
  const fail: Fail = (what) => {
    throw new DatasetError(`${file}: ${what}`)
  }
  const content = parseMapping(text, fail)
  const read = (key: string) => (Object.hasOwn(content, key) ? content[key] : undefined)
  const splits: DataYaml['splits'] = {}
  for (const [key, split] of SPLIT_KEYS) {
    const entries = toTexts(read(key))
    if (entries.length > 0) splits[split] ??= entries
  }
  const path = read('path')
  return {
    path: typeof path === 'string' && path !== '' ? path : undefined,
    splits,
    ...readNames(read('names'), read('nc'), fail),
    task: TASKS[String(read('task') ?? /^#\s*task:\s*(\w+)/m.exec(text)?.[1] ?? '')],
    ...readKeypoints(read, fail),
    hasDownload: read('download') !== undefined,
  }
}

function parseMapping(text: string, fail: Fail): Record<string, unknown> {
  // Every scalar stays text: a class named `no` is not false, and no tag builds an object.
  const document = parseDocument(text.replace(/^\ufeff/, ''), { schema: 'failsafe', logLevel: 'error' })
  const [error] = document.errors
  if (error !== undefined) fail(`not valid YAML: ${error.message.split('\n', 1).join('')}`)
  let value: unknown
  try {
    // Aliases are expanded: a few lines must not become gigabytes.
    value = document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    fail(`not valid YAML: ${cause instanceof Error ? cause.message : cause}`)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  return fail(`the content is ${show(value)}; expected a mapping with "train", "val" and "names"`)
}

function readNames(value: unknown, count: unknown, fail: Fail): Pick<DataYaml, 'names' | 'classCount'> {
  const names = toNames(value, fail)
  if (count === undefined || count === '') return { names }
  if (typeof count !== 'string' || !/^\d{1,6}$/.test(count))
    return fail(`nc is ${show(count)}; expected the number of classes`)
  if (names !== undefined && Number(count) !== names.length)
    fail(`nc is ${count}; expected ${names.length}, the number of names`)
  return { names, classCount: Number(count) }
}

function toNames(value: unknown, fail: Fail): string[] | undefined {
  const toName = (name: unknown, id: number): string =>
    typeof name === 'string' ? name : fail(`the name of class ${id} is ${show(name)}; expected text`)
  if (value === undefined || value === '') return undefined
  if (Array.isArray(value)) return value.map(toName)
  if (typeof value !== 'object' || value === null)
    return fail(`names is ${show(value)}; expected a list, or a mapping whose keys start at 0`)
  const entries = Object.entries(value)
  const expected = `the numbers 0 to ${entries.length - 1}, each once`
  const list: string[] = []
  for (const [key, name] of entries) {
    const id = Number(key)
    if (!/^\d+$/.test(key) || id >= entries.length) fail(`names has the key ${show(key)}; expected ${expected}`)
    list[id] = toName(name, id)
  }
  if (list.length !== entries.length || Object.keys(list).length !== list.length)
    fail(`names has the keys ${Object.keys(value).slice(0, 20).join(', ')}; expected ${expected}`)
  return list
}

function readKeypoints(
  read: (key: string) => unknown,
  fail: Fail,
): Pick<DataYaml, 'keypointShape' | 'keypointNames' | 'flipIndex'> {
  const keypointNames = new Map<number, string[]>()
  const shape = read('kpt_shape')
  if (shape === undefined || shape === '') return { keypointNames }
  const [count = 0, dimensions = 0, ...rest] = toTexts(shape).map(Number)
  const isCount = Number.isInteger(count) && count >= 1 && count <= 10_000
  if (!isCount || (dimensions !== 2 && dimensions !== 3) || rest.length > 0)
    fail(`kpt_shape is ${show(shape)}; expected [count, 2] or [count, 3]`)
  const flipIndex = toTexts(read('flip_idx')).map(Number)
  const names = read('kpt_names')
  const lists = Array.isArray(names) ? { 0: names } : typeof names === 'object' && names !== null ? names : {}
  for (const [key, list] of Object.entries(lists)) {
    const points = toTexts(list)
    if (/^\d+$/.test(key) && points.length === count) keypointNames.set(Number(key), points)
  }
  return {
    keypointShape: [count, dimensions],
    keypointNames,
    flipIndex: flipIndex.length > 0 && isFlipIndex(flipIndex, count) ? flipIndex : undefined,
  }
}

function toTexts(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value]
  return list.filter((entry): entry is string => typeof entry === 'string' && entry !== '')
}

function show(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 200)
  } catch {
    return 'a value that contains itself'
  }
}
