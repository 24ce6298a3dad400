import { DatasetError } from '@trainyard/contract/trainer-errors'
import { MaskError } from '../../errors.ts'
import { listFiles } from '../../files/list-files.ts'
import { masksOfValues } from '../../geometry/value-masks.ts'
import { splitMask, toMaskObject } from '../../record/mask-object.ts'
import type { DatasetReader, ReadOptions } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import type { NamedImage } from '../named/named-image.ts'
import { readEach } from '../named/read-each.ts'
import { readNamed } from '../named/read-named.ts'
import type { VocLabels } from '../voc/labels.ts'
import { loadMask } from '../voc/load-mask.ts'
import { toClasses } from '../voc/read-masks.ts'
import { isClassTable, readClassTable } from './class-table.ts'
import { findSemanticMasks } from './find-masks.ts'
import { inventLabels } from './invent-labels.ts'

/** Pixels of no class. */
const NONE = -1

/**
 * Opens semantic masks: a PNG beside each image, whose pixels are the numbers or colours of classes. A table names the classes
 * (`classes.csv`, `class_dict.csv`, `labelmap.txt`, `label_colors.txt`, `id2label.json`, `classes.txt` …); without one the
 * names are invented. Each connected part of a class is an object.
 */
export async function readMaskFolders(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const { signal, name = `"${dir}"` } = options
  const listing = await listFiles(dir, options)
  const pairs = findSemanticMasks(listing.files)
  if (pairs.length === 0)
    throw new DatasetError(`No masks in ${name}: expected a PNG for each image, in a folder such as "masks"`, {
      reason: 'no-annotations',
    })
  const masks = new Map(pairs.map(({ mask, image }) => [mask, image]))
  const table = await readClassTable(dir, listing.files)
  const labels = table ?? (await inventLabels(dir, [...masks.keys()], signal))
  return readNamed(
    {
      format: 'masks',
      dir,
      listing,
      classes: labels.names.map((label) => ({ name: label })),
      taskType: 'segmentation',
      isOwn: (path) => masks.has(path) || isClassTable(path),
      async *images(losses) {
        if (table === undefined)
          for (const label of labels.names)
            losses.add('class-name-invented', `${label}: no table names the classes of masks`)
        yield* readEach([...masks.keys()], losses, async (path) => [
          await toImage(dir, path, masks.get(path) ?? path, labels, losses),
        ])
      },
    },
    options,
  )
}

async function toImage(
  dir: string,
  path: string,
  name: string,
  labels: VocLabels,
  losses: LossCounter,
): Promise<NamedImage> {
  if (!/\.png$/i.test(path))
    throw new DatasetError(
      `The mask ${path} is no PNG; expected one, because other formats change the numbers of pixels`,
    )
  const mask = await loadMask(dir, path, undefined).catch((error: unknown) => {
    throw error instanceof MaskError ? new DatasetError(error.message, { cause: error }) : error
  })
  const { width, height } = mask
  const unknown = new Set<string>()
  const values = toClasses(mask, labels, (what) => unknown.add(what))
  for (const what of unknown) losses.add('annotation-of-unknown-class', `${path}: ${what}`)
  const objects = [...masksOfValues({ width, height, values }, NONE)]
    .sort(([a], [b]) => a - b)
    .flatMap(([classId, rle]) =>
      splitMask(rle).map((part) => ({ ...toMaskObject(part), label: labels.names[classId] ?? '' })),
    )
  return { name, from: path, width, height, objects }
}
