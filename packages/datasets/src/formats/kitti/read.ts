import { findClassList } from '../../files/find-class-list.ts'
import { listFiles } from '../../files/list-files.ts'
import { readText, toLines } from '../../files/read-text.ts'
import { splitExtension } from '../../files/split-extension.ts'
import { boxOfCorners } from '../../geometry/box.ts'
import type { DatasetReader, ReadOptions } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import { toNumber } from '../named/loose.ts'
import type { NamedObject } from '../named/named-image.ts'
import { readEach } from '../named/read-each.ts'
import { readNamed } from '../named/read-named.ts'

/** Opens KITTI's labels of objects: a text file for each image, as in `label_2/000001.txt` for `image_2/000001.png`. */
export async function readKitti(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const listing = await listFiles(dir, options)
  const texts = listing.files.filter((path) => /\.txt$/i.test(path) && !/^(?:classes|labels)\.txt$/i.test(path))
  const folders = texts.filter((path) => /(?:^|\/)label_[23]\//.test(path))
  const paths = folders.length > 0 ? folders : texts
  const names = await findClassList(dir, ['classes.txt', 'labels.txt'])
  const own = new Set(paths)
  return readNamed(
    {
      format: 'kitti',
      dir,
      listing,
      isOwn: (path) => own.has(path) || /^(?:classes|labels)\.txt$/i.test(path),
      classes: names?.map((name) => ({ name })),
      images: (losses) =>
        readEach(paths, losses, async (path) => {
          const rows = toLines(await readText(dir, path))
          const objects = rows.flatMap((row, index) => toObject(row, `${path}, line ${index + 1}`, losses) ?? [])
          return [{ name: toName(path), from: path, width: 0, height: 0, objects }]
        }),
    },
    options,
  )
}

/** The path of the image without its suffix: `training/label_2/1.txt` belongs to `training/image_2/1`. */
function toName(path: string): string {
  return splitExtension(path).stem.replace(/(^|\/)label_([23])\//, '$1image_$2/')
}

function toObject(row: string, from: string, losses: LossCounter): NamedObject | undefined {
  const [label = '', ...cells] = row.split(/\s+/)
  if (/^dontcare$/i.test(label)) {
    losses.add('annotation-kind-not-supported', `${from}: a region to ignore (${label})`)
    return undefined
  }
  const numbers = cells.map(toNumber)
  const [truncated = 0, occluded = 0, alpha = 0, left = 0, top = 0, right = 0, bottom = 0, ...space] = numbers
  if (numbers.length < 7 || numbers.slice(0, 7).some((value) => !Number.isFinite(value))) {
    losses.add('annotation-invalid', `${from} has ${cells.length} numbers; expected 14, or 15 with a score`)
    return undefined
  }
  const attributes: Record<string, unknown> = { truncated, occluded, alpha }
  const isIn3d = space.length >= 7 && space.slice(0, 3).some((side) => side > 0)
  if (isIn3d)
    Object.assign(attributes, { dimensions: space.slice(0, 3), location: space.slice(3, 6), rotation_y: space[6] })
  if (space.length > 7) attributes.score = space[7]
  return { kind: 'box', label, bbox: boxOfCorners(left, top, right, bottom), attributes }
}
