import { DatasetError } from '@trainyard/contract/trainer-errors'
import type { DatasetClassInfo } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'

export interface CocoCategories {
  /** Name of the file, for messages. */
  name: string
  categories: readonly unknown[]
}

export interface CocoClasses {
  classes: DatasetClassInfo[]
  /** For each file: class numbers by category id as text (`12` and `"12"` are one id). */
  byId: Map<string, number>[]
}

/**
 * One list of classes for all files, in the order of their category ids. Ids are any numbers with any gaps, so `id - 1` is
 * wrong for most datasets. Files that number the same names differently are joined by name.
 */
export function readCocoClasses(given: readonly CocoCategories[], losses: LossCounter): CocoClasses {
  const files = given.map(({ name, categories }) => ({
    name,
    categories: categories.flatMap(
      (value, index) => toCategory(value, `categories[${index}] in ${name}`, losses) ?? [],
    ),
  }))
  const isSameNumbering = hasOneNumbering(files)
  const classes = new Map<string, DatasetClassInfo>()
  const keyOf = ({ id, name }: Category) => (isSameNumbering ? String(id) : `name ${name}`)
  for (const { name: file, categories } of files) {
    const names = new Map<string, string>()
    for (const category of categories) {
      const { id, name } = category
      const known = names.get(String(id))
      if (known !== undefined && known !== name)
        throw new DatasetError(
          `The category ${JSON.stringify(id)} in ${file} is ${JSON.stringify(known)} and ${JSON.stringify(name)}; expected a unique id`,
        )
      names.set(String(id), name)
      const key = keyOf(category)
      if (!classes.has(key)) classes.set(key, toClass(category, losses))
    }
  }
  const ordered = isSameNumbering
    ? [...classes].sort(([, a], [, b]) => compareIds(a.sourceId, b.sourceId))
    : // The order of each file, starting with the first file.
      [...classes]
  if (!isSameNumbering) losses.add('class-renumbered', () => files.map(({ name }) => name).join(', '))
  const numbers = new Map(ordered.map(([key], number) => [key, number]))
  return {
    classes: ordered.map(([, info], id) => ({ ...info, id })),
    byId: files.map(
      ({ categories }) =>
        new Map(
          categories.flatMap((item) => {
            const number = numbers.get(keyOf(item))
            return number === undefined ? [] : [[String(item.id), number] as const]
          }),
        ),
    ),
  }
}

interface Category extends Record<string, unknown> {
  id: number | string
  name: string
}

/** Undefined, and counted, for an entry without an id. A category without a name is called by its id. */
function toCategory(value: unknown, place: string, losses: LossCounter): Category | undefined {
  const entry = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  const { id, name } = entry
  if (typeof id !== 'number' && typeof id !== 'string') {
    losses.add('class-dropped', `${place} has the id ${JSON.stringify(id)}; expected a number or text`)
    return undefined
  }
  if (typeof name === 'number' || (typeof name === 'string' && name !== '')) return { ...entry, id, name: String(name) }
  losses.add('class-name-invented', `${place} has no name: class_${id}`)
  return { ...entry, id, name: `class_${id}` }
}

/** Whether an id has the same name in every file. */
function hasOneNumbering(files: readonly { categories: readonly Category[] }[]): boolean {
  const names = new Map<string, unknown>()
  const ids = new Map<unknown, string>()
  for (const [number, { categories }] of files.entries()) {
    for (const { id, name } of categories) {
      const known = names.get(String(id))
      if (known !== undefined && known !== name) return false
      // Two categories with one name in one file are two classes; a known name with a new id in another file is one class.
      const knownId = ids.get(name)
      if (number > 0 && knownId !== undefined && !names.has(String(id))) return false
      names.set(String(id), name)
      ids.set(name, String(id))
    }
  }
  return true
}

function toClass(category: Category, losses: LossCounter): DatasetClassInfo {
  const { id: sourceId, name, supercategory, keypoints, skeleton, color } = category
  const points = Array.isArray(keypoints) && keypoints.length > 0 ? keypoints.map(String) : undefined
  const edges = (Array.isArray(skeleton) ? skeleton : []).filter(
    (pair): pair is [number, number] => Array.isArray(pair) && pair.length === 2 && pair.every(isCount),
  )
  // COCO counts from 1. A 0 shows that the tool counted from 0.
  const first = edges.some((pair) => pair.includes(0)) ? 0 : 1
  if (first === 0) losses.add('skeleton-renumbered', `the skeleton of ${JSON.stringify(name)} counts from 0`)
  const pairs = edges.map(([from, to]): [number, number] => [from - first, to - first])
  return {
    id: 0,
    name,
    sourceId,
    supercategory: typeof supercategory === 'string' ? supercategory : undefined,
    color: typeof color === 'string' ? color : undefined,
    keypoints: points,
    skeleton: pairs.length > 0 ? pairs : undefined,
  }
}

const isCount = (value: unknown) => Number.isInteger(value) && (value as number) >= 0

/** Numbers first, in numeric order; `"10"` counts as 10. */
function compareIds(a: string | number | undefined, b: string | number | undefined): number {
  const numberA = Number(a)
  const numberB = Number(b)
  if (Number.isNaN(numberA) || Number.isNaN(numberB)) {
    if (Number.isNaN(numberA) !== Number.isNaN(numberB)) return Number.isNaN(numberA) ? 1 : -1
    return String(a) < String(b) ? -1 : 1
  }
  return numberA - numberB
}
