import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { findClassList } from '../../files/find-class-list.ts'
import { readText, toLines } from '../../files/read-text.ts'
import { sortNames } from '../../record/classes.ts'
import { DEVKIT_CLASSES, devkitColour, VOID } from './colour-map.ts'

/** The classes, and the numbers and colours that they have in masks. */
export interface VocLabels {
  names: readonly string[]
  /** Class ids by the number of a pixel. Empty when they are not known: then the objects of the XML decide. */
  byNumber: ReadonlyMap<number, number>
  /** Class ids by colour, 0xRRGGBB. */
  byColour: ReadonlyMap<number, number>
}

/**
 * Reads `classes.txt` or `labels.txt` (numbers start at 1) or `labelmap.txt` (one number a line, with its colour). Without
 * them: the classes of the devkit where there are masks and no other names, otherwise the names in order.
 */
export async function readVocLabels(dir: string, found: ReadonlySet<string>, hasMasks: boolean): Promise<VocLabels> {
  const listed = await findClassList(dir, ['classes.txt', 'labels.txt'])
  if (listed !== undefined) return numbered(listed)
  const text = existsSync(join(dir, 'labelmap.txt')) ? await readText(dir, 'labelmap.txt') : undefined
  if (text !== undefined) return parseLabelMap(text, found, hasMasks)
  const isDevkit = hasMasks && [...found].every((name) => DEVKIT_CLASSES.includes(name))
  if (isDevkit) return numbered(DEVKIT_CLASSES)
  return { names: sortNames(found), byNumber: new Map(), byColour: new Map() }
}

/** Numbers start at the background when the list has it. */
function numbered(names: readonly string[]): VocLabels {
  const hasBackground = isBackground(names[0] ?? '')
  const ids = names.map((_, id) => [id + (hasBackground ? 0 : 1), id] as const).filter(([number]) => number > 0)
  return { names, byNumber: new Map(ids), byColour: new Map(ids.map(([number, id]) => [devkitColour(number), id])) }
}

/** Lines of `name:r,g,b:parts:actions`, as CVAT and Datumaro write them. In masks, background and `ignored` are not classes. */
export function parseLabelMap(text: string, found: ReadonlySet<string>, hasMasks: boolean): VocLabels {
  const rows = toLines(text)
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.split(':'))
    .map(([name = '', colour = '']) => ({ name: name.trim(), colour: parseColour(colour) }))
  const first = rows.some(({ name }) => isBackground(name)) ? 0 : 1
  const names: string[] = []
  const byNumber = new Map<number, number>()
  const byColour = new Map<number, number>()
  for (const [index, { name, colour = devkitColour(index + first) }] of rows.entries()) {
    const isNone = isBackground(name) || name === 'ignored' || colour === devkitColour(VOID)
    if (names.includes(name) || ((hasMasks || isBackground(name)) && isNone && !found.has(name))) continue
    const id = names.push(name) - 1
    if (isNone) continue
    byNumber.set(index + first, id)
    byColour.set(colour, id)
  }
  return { names, byNumber, byColour }
}

export function isBackground(name: string): boolean {
  return /^_*background_*$/i.test(name)
}

export function parseColour(text: string): number | undefined {
  const parts = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  const [red = 0, green = 0, blue = 0] = parts
  const isColour = parts.length === 3 && parts.every((part) => Number.isInteger(part) && part >= 0 && part < 256)
  return isColour ? (red << 16) | (green << 8) | blue : undefined
}
