import { DatasetError } from '@trainyard/contract/trainer-errors'
import { listFiles } from '../../files/list-files.ts'
import { withoutNoise } from '../../geometry/box.ts'
import { readJson } from '../../json/json-text.ts'
import type { DatasetReader, ReadOptions } from '../../record/record.ts'
import { asArray, asText, member, toNumber } from '../named/loose.ts'
import type { NamedImage, NamedObject } from '../named/named-image.ts'
import { readEach } from '../named/read-each.ts'
import { readNamed } from '../named/read-named.ts'

/** Opens Create ML's JSON, as Roboflow and RectLabel export it: boxes by their centre, in pixels. */
export async function readCreateMl(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const listing = await listFiles(dir, options)
  const paths = listing.files.filter((path) => /\.json$/i.test(path))
  const own = new Set(paths)
  return readNamed(
    {
      format: 'createml',
      dir,
      listing,
      isOwn: (path) => own.has(path),
      images: (losses) => readEach(paths, losses, async (path) => toImages(await readJson(dir, path), path)),
    },
    options,
  )
}

function toImages(value: unknown, path: string): NamedImage[] {
  const items = asArray(value)
  if (!items.some((item) => nameOf(item) !== undefined))
    throw new DatasetError(`${path} lists no image; expected [{"image": "1.jpg", "annotations": […]}] of Create ML`)
  const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
  return items.flatMap((item, index) => {
    const name = nameOf(item)
    if (name === undefined) return []
    const list = member(item, 'annotations') ?? member(item, 'annotation')
    return [{ name, from: `[${index}] in ${path}`, folder, width: 0, height: 0, objects: asArray(list).map(toObject) }]
  })
}

function nameOf(item: unknown): string | undefined {
  return asText(member(item, 'image') ?? member(item, 'imagefilename') ?? member(item, 'imageFilename'))
}

function toObject(item: unknown): NamedObject {
  const box = member(item, 'coordinates')
  const [x = 0, y = 0, width = 0, height = 0] = ['x', 'y', 'width', 'height'].map((name) => toNumber(member(box, name)))
  const label = asText(member(item, 'label')) ?? ''
  return box === undefined
    ? { kind: 'class', label }
    : { kind: 'box', label, bbox: [withoutNoise(x - width / 2), withoutNoise(y - height / 2), width, height] }
}
