import { textOf } from '@trainyard/contract/format'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import type { DatasetClassInfo } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'

export interface CocoCategories {
  /** Name of the file, for messages. */
  name: string
  categories: readonly Record<string, unknown>[]
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
    categories: categories.map((category, index) => withName(category, `categories[${index}] in ${name}`, losses)),
  }))
  const isSameNumbering = hasOneNumbering(files)
  const classes = new Map<string, DatasetClassInfo>()
  const keyOf = ({ id, name }: Record<string, unknown>) => (isSameNumbering ? textOf(id) : `name ${textOf(name)}`)
  for (const { name: file, categories } of files) {
    const ids = new Set<string>()
    for (const [index, category] of categories.entries()) {
      const place = `categories[${index}]`
      const { id, name } = category
      if (typeof id !== 'number' && typeof id !== 'string') {
        throw new DatasetError(`${place}.id in ${file} is ${JSON.stringify(id)}; expected a number or text`)
      }
      if (typeof name !== 'string') {
        throw new DatasetError(`${place}.name in ${file} is ${JSON.stringify(name)}; expected text`)
      }
      if (ids.has(textOf(id))) {
        throw new DatasetError(
          `${place}.id in ${file} is ${JSON.stringify(id)}; expected a unique id, but another category has it too`,
        )
      }
      ids.add(textOf(id))
      const key = keyOf(category)
      if (!classes.has(key)) classes.set(key, toClass(category, id, name, losses))
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
            return number === undefined ? [] : [[textOf(item.id), number] as const]
          }),
        ),
    ),
  }
}

/** A category without a name is called by its id. */
function withName(category: Record<string, unknown>, place: string, losses: LossCounter): Record<string, unknown> {
  const { id, name } = category
  if ((name !== undefined && name !== null && name !== '') || (typeof id !== 'number' && typeof id !== 'string'))
    return category
  losses.add('class-name-invented', `${place} has no name: class_${id}`)
  return { ...category, name: `class_${id}` }
}

/** Whether an id has the same name in every file. */
function hasOneNumbering(files: readonly CocoCategories[]): boolean {
  const names = new Map<string, unknown>()
  const ids = new Map<unknown, string>()
  for (const [number, { categories }] of files.entries()) {
    for (const { id, name } of categories) {
      const known = names.get(textOf(id))
      if (known !== undefined && known !== name) return false
      // Two categories with one name in one file are two classes; a known name with a new id in another file is one class.
      const knownId = ids.get(name)
      if (number > 0 && knownId !== undefined && !names.has(textOf(id))) return false
      names.set(textOf(id), name)
      ids.set(name, textOf(id))
    }
  }
  return true
}

function toClass(
  category: Record<string, unknown>,
  sourceId: string | number,
  name: string,
  losses: LossCounter,
): DatasetClassInfo {
  const { supercategory, keypoints, skeleton, color } = category
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
