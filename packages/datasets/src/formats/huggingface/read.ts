import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { findClassList } from '../../files/find-class-list.ts'
import { listFiles } from '../../files/list-files.ts'
import { parseCsvTable } from '../../files/parse-csv.ts'
import { readText } from '../../files/read-text.ts'
import { parseJson, readLimitedText } from '../../json/json-text.ts'
import { inventName } from '../../record/classes.ts'
import type { DatasetReader, ReadOptions } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import type { NamedImage } from '../named/named-image.ts'
import { readEach } from '../named/read-each.ts'
import { readNamed } from '../named/read-named.ts'
import { findClassNames } from './class-names.ts'
import { toImage } from './row.ts'

const METADATA = /(?:^|\/)metadata\.(?:jsonl|csv)$/i

/**
 * Opens Hugging Face's ImageFolder with `metadata.jsonl` or `metadata.csv`: a row for each image, with `objects` (boxes as in
 * COCO, classes, optional polygons) or a `label`. The names of numbered classes are those of `README.md` or `classes.txt`.
 */
export async function readHuggingFace(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const listing = await listFiles(dir, options)
  const paths = listing.files.filter((path) => METADATA.test(path))
  const card = existsSync(join(dir, 'README.md')) ? findClassNames(await readText(dir, 'README.md')) : undefined
  const listed = await findClassList(dir, ['classes.txt', 'labels.txt'])
  const names = listed ?? card
  const own = new Set(paths)
  return readNamed(
    {
      format: 'huggingface',
      dir,
      listing,
      isOwn: (path) => own.has(path) || /^(?:readme\.md|classes\.txt|labels\.txt|\.gitattributes)$/i.test(path),
      classes: names?.map((name) => ({ name })),
      images(losses) {
        const nameOf = createNames(names, losses)
        return readEach(paths, losses, async (path) => toImages(await readLimitedText(dir, path), path, nameOf, losses))
      },
    },
    options,
  )
}

/** The name of a numbered class. Each invented name is counted once. */
function createNames(names: readonly string[] | undefined, losses: LossCounter): (id: number) => string {
  const invented = new Set<number>()
  return (id) => {
    const name = names?.[id]
    if (name !== undefined) return name
    if (!invented.has(id)) losses.add('class-name-invented', `class ${id}: neither README.md nor classes.txt names it`)
    invented.add(id)
    return inventName(id)
  }
}

function toImages(text: string, path: string, nameOf: (id: number) => string, losses: LossCounter): NamedImage[] {
  const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
  const images: NamedImage[] = []
  for (const [row, from] of rowsOf(text, path, losses)) {
    const image = toImage(row, { folder, from, nameOf, losses })
    if (image === undefined) losses.add('label-file-invalid', `${from} has no file_name`)
    else images.push(image)
  }
  return images
}

function* rowsOf(text: string, path: string, losses: LossCounter): Generator<[row: unknown, from: string]> {
  if (/\.csv$/i.test(path)) {
    let number = 1
    for (const cell of parseCsvTable(text))
      yield [
        { file_name: cell('file_name'), label: cell('label') || undefined, split: cell('split') || undefined },
        `${path}, row ${++number}`,
      ]
    return
  }
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const from = `${path}, line ${index + 1}`
    try {
      yield [parseJson(line, from), from]
    } catch (error) {
      // One damaged line costs its image.
      if (!(error instanceof DatasetError)) throw error
      losses.add('label-file-invalid', error.message)
    }
  }
}
