import { boxOfRings } from '../../geometry/box.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import { findSplitOfFolder } from '../../splits/split-folder.ts'
import { asArray, asText, member, toNumber, toSide } from '../named/loose.ts'
import type { NamedImage, NamedObject } from '../named/named-image.ts'

interface RowContext {
  folder: string
  from: string
  nameOf: (id: number) => string
  losses: LossCounter
}

/** Names of the columns of classes, the most usual first. */
const CLASS_COLUMNS = ['categories', 'category', 'category_id', 'labels', 'label', 'class']
const OWN = new Set(['file_name', 'image', 'width', 'height', 'objects', 'label', 'labels'])

/** The image of a row. Undefined when it names no file. */
export function toImage(row: unknown, context: RowContext): NamedImage | undefined {
  const name = asText(member(row, 'file_name')) ?? asText(member(row, 'image'))
  if (name === undefined || name === '') return undefined
  const { folder, from, nameOf, losses } = context
  const objects = member(row, 'objects')
  const list = Array.isArray(objects) ? objects : toList(objects)
  const classes = [member(row, 'label'), ...asArray(member(row, 'labels'))].flatMap((value): NamedObject[] => {
    const label = toLabel(value, nameOf)
    return label === undefined ? [] : [{ kind: 'class', label }]
  })
  // A column of the dataset: folders are the usual way.
  const split = findSplitOfFolder(asText(member(row, 'split')) ?? '')
  const others = Object.entries(row ?? {}).filter(
    ([key]) => !OWN.has(key) && key !== '__proto__' && !(key === 'split' && split !== undefined),
  )
  return {
    name,
    from,
    folder,
    split,
    width: toSide(member(row, 'width')),
    height: toSide(member(row, 'height')),
    objects: [...classes, ...list.flatMap((item) => toObject(item, from, nameOf, losses) ?? [])],
    attributes: others.length === 0 ? undefined : Object.fromEntries(others),
  }
}

/** Columns of equal length as one record for each object. */
function toList(columns: unknown): unknown[] {
  if (typeof columns !== 'object' || columns === null) return []
  const entries = Object.entries(columns).filter(([key]) => key !== '__proto__')
  const length = Math.max(0, ...entries.map(([, values]) => asArray(values).length))
  return Array.from({ length }, (_, index) =>
    Object.fromEntries(entries.map(([key, values]) => [key, asArray(values)[index]])),
  )
}

function toLabel(value: unknown, nameOf: (id: number) => string): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? nameOf(value) : undefined
  return asText(value)
}

function toObject(
  item: unknown,
  from: string,
  nameOf: (id: number) => string,
  losses: LossCounter,
): NamedObject | undefined {
  const column = CLASS_COLUMNS.find((name) => member(item, name) !== undefined && member(item, name) !== null)
  const label = column === undefined ? undefined : toLabel(member(item, column), nameOf)
  if (label === undefined) {
    losses.add('annotation-of-unknown-class', `${from}: an object without one of ${CLASS_COLUMNS.join(', ')}`)
    return undefined
  }
  const box = asArray(member(item, 'bbox')).map(toNumber)
  const [x = Number.NaN, y = Number.NaN, width = Number.NaN, height = Number.NaN] = box
  const polygons = asArray(member(item, 'segmentation')).map((ring) => asArray(ring).map(toNumber))
  const area = toNumber(member(item, 'area'))
  const id = member(item, 'id')
  const shared = {
    label,
    id: typeof id === 'number' || typeof id === 'string' ? id : undefined,
    area: Number.isFinite(area) ? area : undefined,
    isCrowd: toNumber(member(item, 'iscrowd')) === 1 || undefined,
  }
  if (polygons.length > 0)
    return {
      ...shared,
      kind: 'polygon',
      polygons,
      bbox: box.length === 4 ? [x, y, width, height] : boxOfRings(polygons),
    }
  return { ...shared, kind: 'box', bbox: [x, y, width, height] }
}
