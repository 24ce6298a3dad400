import { findClassList } from '../../files/find-class-list.ts'
import { listFiles } from '../../files/list-files.ts'
import { readText, toLines } from '../../files/read-text.ts'
import { splitExtension } from '../../files/split-extension.ts'
import type { DatasetReader, ReadOptions } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import { toNumber } from '../named/loose.ts'
import type { NamedObject } from '../named/named-image.ts'
import { readEach } from '../named/read-each.ts'
import { readNamed } from '../named/read-named.ts'
import { DOTA_HEADER } from './lines.ts'

const LISTS = /(?:^|\/)(?:classes|labels|train|val|test|trainval|sampled)\.txt$/i

/** Opens DOTA: a text file of oriented boxes for each image, as in `train/labelTxt/P0001.txt` for `train/images/P0001.png`. */
export async function readDota(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const listing = await listFiles(dir, options)
  const texts = listing.files.filter((path) => /\.txt$/i.test(path) && !LISTS.test(path))
  const names = await findClassList(dir, ['classes.txt', 'labels.txt'])
  const own = new Set(texts)
  return readNamed(
    {
      format: 'dota',
      dir,
      listing,
      taskType: 'obb',
      isOwn: (path) => own.has(path) || LISTS.test(path),
      classes: names?.map((name) => ({ name })),
      images: (losses) =>
        readEach(texts, losses, async (path) => {
          const facts: Record<string, unknown> = {}
          const objects: NamedObject[] = []
          for (const [index, line] of toLines(await readText(dir, path)).entries()) {
            const [, name = '', value = ''] = /^([^:]+):(.*)$/.exec(line) ?? []
            if (DOTA_HEADER.test(line)) facts[name.trim().toLowerCase()] = toFact(value)
            else objects.push(...(toObject(line, `${path}, line ${index + 1}`, losses) ?? []))
          }
          const attributes = Object.keys(facts).length === 0 ? undefined : facts
          const name = splitExtension(path).stem.replace(/(^|\/)(?:labelTxt[^/]*|annfiles|labels)\//i, '$1images/')
          return [{ name, from: path, width: 0, height: 0, objects, attributes }]
        }),
    },
    options,
  )
}

function toFact(text: string): string | number {
  const number = toNumber(text)
  return Number.isFinite(number) ? number : text.trim()
}

function toObject(line: string, from: string, losses: LossCounter): NamedObject[] | undefined {
  const cells = line.split(/[\s,]+/)
  const [label, difficult = '0'] = cells.slice(8)
  if (label === undefined) {
    losses.add('annotation-invalid', `${from} has ${cells.length} cells; expected 8 numbers, a class and 0 or 1`)
    return undefined
  }
  const attributes = difficult === '0' ? undefined : { difficult: difficult === '1' ? true : difficult }
  return [{ kind: 'obb', label, obb: cells.slice(0, 8).map(toNumber), attributes }]
}
