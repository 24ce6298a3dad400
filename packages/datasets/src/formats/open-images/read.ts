import { DatasetError } from '@trainyard/contract/trainer-errors'
import { listFiles } from '../../files/list-files.ts'
import { columnName, parseCsv, parseCsvTable } from '../../files/parse-csv.ts'
import { readLimitedText } from '../../json/json-text.ts'
import type { DatasetReader, ReadOptions } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import { findSplitOfFolder } from '../../splits/split-folder.ts'
import { toNumber } from '../named/loose.ts'
import type { NamedImage, NamedObject } from '../named/named-image.ts'
import { readEach } from '../named/read-each.ts'
import { readNamed } from '../named/read-named.ts'

const NAMES = /class-descriptions[^/]*\.csv$/i
/** What boxes say about themselves, and the attribute of it. `-1` is not known. */
const FLAGS = [
  ['IsOccluded', 'occluded'],
  ['IsTruncated', 'truncated'],
  ['IsDepiction', 'depiction'],
  ['IsInside', 'inside'],
] as const

/**
 * Opens Open Images: CSV files of boxes or of labels of images, and `class-descriptions*.csv` for the names of classes. Boxes
 * are shares of the sides of images, so the images must exist. A region of a group is a crowd.
 */
export async function readOpenImages(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const listing = await listFiles(dir, options)
  const tables = listing.files.filter((path) => /\.csv$/i.test(path) && !NAMES.test(path))
  const lists = listing.files.filter((path) => NAMES.test(path))
  const titles = new Map<string, string>()
  for (const path of lists)
    for (const [id, title] of parseCsv(await readLimitedText(dir, path)))
      if (id && title && id !== 'LabelName') titles.set(id, title)
  const own = new Set([...tables, ...lists])
  return readNamed(
    {
      format: 'open-images',
      dir,
      listing,
      isOwn: (path) => own.has(path),
      // The full list has 601 classes; those that occur are the dataset's.
      images: (losses) =>
        readEach(tables, losses, async (path) => toImages(await readLimitedText(dir, path), path, titles, losses)),
    },
    options,
  )
}

function toImages(
  text: string,
  path: string,
  titles: ReadonlyMap<string, string>,
  losses: LossCounter,
): Iterable<NamedImage> {
  const images = new Map<string, NamedImage>()
  const unnamed = new Set<string>()
  const split = findSplitOfFolder(/(?:^|\/)(?:oidv\d-)?(train|validation|test)[^/]*$/i.exec(path)?.[1] ?? '')
  const [header = []] = parseCsv(text)
  if (!header.some((cell) => columnName(cell) === 'imageid'))
    throw new DatasetError(`${path} has no column ImageID; expected a table of boxes or labels of Open Images`)
  for (const cell of parseCsvTable(text)) {
    const name = cell('ImageID') ?? ''
    const id = cell('LabelName')
    // Tables of images, with their addresses and licences, have no labels.
    if (id === undefined) break
    const from = `${name} in ${path}`
    const image = images.get(name) ?? { name, from, width: 0, height: 0, split, isNormalised: true, objects: [] }
    images.set(name, image)
    const label = titles.get(id) ?? id
    if (!titles.has(id) && /^\/[mgt]\//.test(id) && !unnamed.has(id)) {
      unnamed.add(id)
      losses.add('class-name-invented', `${id} in ${path}: no class-descriptions*.csv names it`)
    }
    const object = toObject(cell, label)
    if (object === undefined) losses.add('annotation-invalid', `${from}: the label ${label} was rejected`)
    else image.objects.push(object)
  }
  return images.values()
}

/** Undefined for a label that people checked and found absent. */
function toObject(cell: (column: string) => string | undefined, label: string): NamedObject | undefined {
  const sides = ['XMin', 'YMin', 'XMax', 'YMax'].map((name) => toNumber(cell(name)))
  const [left = 0, top = 0, right = 0, bottom = 0] = sides
  if (cell('XMin') === undefined) return Number(cell('Confidence') ?? 1) > 0 ? { kind: 'class', label } : undefined
  const known = FLAGS.filter(([column]) => cell(column) === '1').map(([, name]) => [name, true])
  return {
    kind: 'box',
    label,
    bbox: [left, top, right - left, bottom - top],
    isCrowd: cell('IsGroupOf') === '1' || undefined,
    attributes: known.length === 0 ? undefined : Object.fromEntries(known),
  }
}
