import { DatasetError } from '@trainyard/contract/trainer-errors'
import { parseCsv } from '../../files/parse-csv.ts'
import { readText, toLines } from '../../files/read-text.ts'
import { parseJson } from '../../json/json-text.ts'
import { asArray, asText, member, toNumber } from '../named/loose.ts'
import { devkitColour } from '../voc/colour-map.ts'
import { isBackground, parseColour, parseLabelMap, type VocLabels } from '../voc/labels.ts'

/** A row of a table: the number and the colour of a class in masks, as far as the table has them. */
interface TableRow {
  name: string
  number?: number | undefined
  colour?: number | undefined
}

/** Names of tables, the most specific first. */
const TABLES =
  /(?:^|\/)(?:dataset_meta\.json|labelmap\.txt|label_colou?rs\.txt|class_dict[^/]*\.csv|_?classes\.csv|id2label\.json|labels?\.json|classes\.json|classes\.txt|labels\.txt|class_names\.txt)$/i
/** Pixels that the tables of tools name, and that belong to no class. */
const NO_CLASS = /^(?:_*background_*|void|unlabell?ed|ignored?|unknown_class)$/i

/** Whether a file is a table of classes. */
export function isClassTable(path: string): boolean {
  return TABLES.test(path)
}

/**
 * The classes of masks, from the first table of the dataset. Undefined without one. Throws `DatasetError` for two tables that
 * number the classes differently.
 */
export async function readClassTable(dir: string, files: readonly string[]): Promise<VocLabels | undefined> {
  const depth = (path: string) => path.split('/').length
  const paths = files.filter(isClassTable).sort((a, b) => depth(a) - depth(b) || rank(a) - rank(b) || (a < b ? -1 : 1))
  const [first] = paths
  if (first === undefined) return undefined
  const labels = await readTable(dir, first)
  for (const path of paths) {
    const isSameKind = path !== first && path.endsWith(first.slice(first.lastIndexOf('/') + 1))
    if (!isSameKind) continue
    const other = await readTable(dir, path)
    if (other.names.join('\n') !== labels.names.join('\n'))
      throw new DatasetError(
        `${first} and ${path} list different classes (${labels.names.join(', ')} and ${other.names.join(', ')}); expected one list`,
      )
  }
  return labels
}

function rank(path: string): number {
  return /\.csv$|meta\.json$|labelmap|colou?rs/i.test(path) ? 0 : 1
}

async function readTable(dir: string, path: string): Promise<VocLabels> {
  const text = await readText(dir, path)
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase()
  if (name === 'labelmap.txt') return parseLabelMap(text, new Set(), true)
  if (name.endsWith('.json')) return toLabels(fromJson(parseJson(text, path), path))
  if (name.endsWith('.csv')) return toLabels(fromCsv(text, path))
  if (name.startsWith('label_col')) return toLabels(fromColours(text))
  const names = [...new Set(toLines(text).filter((line) => !line.startsWith('#')))]
  // Numbers start at the background when the list has it.
  const first = isBackground(names[0] ?? '') ? 0 : 1
  return toLabels(names.map((name, index) => ({ name, number: index + first })))
}

/** `{"0": "background"}`, alone or as `label_map` beside `segmentation_colors` as in Datumaro. */
function fromJson(value: unknown, path: string): TableRow[] {
  const map = member(value, 'label_map') ?? member(value, 'id2label') ?? value
  if (typeof map !== 'object' || map === null) throw new DatasetError(`${path} has no names of classes by number`)
  const colours = asArray(member(value, 'segmentation_colors'))
  const entries = Array.isArray(map) ? map.map((name, id) => [String(id), name] as const) : Object.entries(map)
  return entries.map(([key, item], index) => {
    // Some tools write the number as the value.
    const isTurned = !/^\d+$/.test(key) && typeof item === 'number'
    const [r = Number.NaN, g = 0, b = 0] = asArray(colours[index]).map(toNumber)
    const colour = Number.isNaN(r) ? undefined : (r << 16) | (g << 8) | b
    return isTurned
      ? { name: key, number: item, colour }
      : { name: asText(item) ?? key, number: /^\d+$/.test(key) ? Number(key) : undefined, colour }
  })
}

/** `name,r,g,b` as of Kaggle's CamVid, or `Pixel Value, Class` as Roboflow writes it. */
function fromCsv(text: string, path: string): TableRow[] {
  const [header = [], ...rows] = [...parseCsv(text)]
  const columns = header.map((cell) => cell.toLowerCase())
  const at = (...names: string[]) => columns.findIndex((column) => names.includes(column))
  const [name, number, red] = [at('name', 'class', 'label'), at('pixel value', 'value', 'id', 'index'), at('r', 'red')]
  if (name === -1) throw new DatasetError(`${path} has the columns ${header.join(', ')}; expected name or class`)
  return rows.map((cells, index) => ({
    name: cells[name] ?? '',
    number: number === -1 ? index : toNumber(cells[number]),
    colour: red === -1 ? undefined : parseColour(cells.slice(red, red + 3).join(',')),
  }))
}

/** `r g b name`, as of CamVid. */
function fromColours(text: string): TableRow[] {
  return toLines(text).flatMap((line, index) => {
    const [, r, g, b, name = ''] = /^(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(.+)$/.exec(line) ?? []
    return r === undefined ? [] : [{ name: name.trim(), number: index, colour: parseColour(`${r},${g},${b}`) }]
  })
}

function toLabels(rows: readonly TableRow[]): VocLabels {
  const names: string[] = []
  const byNumber = new Map<number, number>()
  const byColour = new Map<number, number>()
  for (const { name, number, colour } of rows) {
    if (name === '' || names.includes(name) || isBackground(name) || NO_CLASS.test(name)) continue
    const id = names.push(name) - 1
    if (number !== undefined && Number.isSafeInteger(number)) byNumber.set(number, id)
    if (colour !== undefined) byColour.set(colour, id)
    else if (number !== undefined && number > 0 && number < 256) byColour.set(devkitColour(number), id)
  }
  return { names, byNumber, byColour }
}
