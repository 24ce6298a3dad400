import { inflateSync } from 'node:zlib'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { listFiles } from '../../files/list-files.ts'
import { boxOfCorners, boxOfRings } from '../../geometry/box.ts'
import { bridgeRings } from '../../geometry/polygon.ts'
import { decodePng } from '../../images/decode-png.ts'
import { readJson } from '../../json/json-text.ts'
import type { DatasetReader, ReadOptions } from '../../record/record.ts'
import type { LossCounter, LossReason } from '../../report/loss-counter.ts'
import { asArray, asText, member, toNumber, toSide } from '../named/loose.ts'
import type { NamedObject } from '../named/named-image.ts'
import { runsOfBox } from '../named/outlines.ts'
import { readEach } from '../named/read-each.ts'
import { readNamed } from '../named/read-named.ts'

type Lose = (reason: LossReason, what: string) => undefined
type Size = { width: number; height: number }
/** A mask of fewer bytes than this is compressed a thousandfold: it is refused. */
const MAX_MASK_BYTES = 64 * 1024 * 1024

/** Opens projects of Supervisely: `meta.json`, and `ann/1.jpg.json` for `img/1.jpg` in the folder of each dataset. */
export async function readSupervisely(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const listing = await listFiles(dir, options)
  const paths = listing.files.filter((path) => /(?:^|\/)ann\/[^/]+\.json$/i.test(path))
  const metas = listing.files.filter((path) => /(?:^|\/)meta\.json$/i.test(path))
  const classes = new Map<string, { name: string; color?: string | undefined }>()
  const broken: DatasetError[] = []
  for (const path of metas) {
    const meta = await readJson(dir, path).catch((error: unknown) => {
      // The objects name their classes too.
      if (!(error instanceof DatasetError)) throw error
      broken.push(error)
      return undefined
    })
    for (const info of asArray(member(meta, 'classes'))) {
      const name = asText(member(info, 'title'))
      if (name !== undefined && !classes.has(name)) classes.set(name, { name, color: asText(member(info, 'color')) })
    }
  }
  const own = new Set(paths)
  return readNamed(
    {
      format: 'supervisely',
      dir,
      listing,
      isOwn: (path) => own.has(path) || /(?:^|\/)(?:obj_class_to_machine_color|meta|key_id_map)\.json$/.test(path),
      classes: classes.size === 0 || broken.length > 0 ? undefined : [...classes.values()],
      async *images(losses) {
        for (const error of broken) losses.add('label-file-invalid', error.message)
        yield* readEach(paths, losses, async (path) => {
          const value = await readJson(dir, path)
          const size = {
            width: toSide(member(member(value, 'size'), 'width')),
            height: toSide(member(member(value, 'size'), 'height')),
          }
          const objects = member(value, 'objects')
          if (!Array.isArray(objects))
            throw new DatasetError(`${path} has no "objects"; expected a file of Supervisely`)
          const name = path.replace(/(^|\/)ann\/([^/]+)\.json$/i, '$1img/$2')
          return [
            { name, from: path, ...size, objects: objects.flatMap((item) => toObject(item, path, size, losses) ?? []) },
          ]
        })
      },
    },
    options,
  )
}

function toObject(item: unknown, path: string, size: Size, losses: LossCounter): NamedObject | undefined {
  const lose: Lose = (reason, what) => void losses.add(reason, `${path}: ${what}`)
  const label = asText(member(item, 'classTitle'))
  if (label === undefined) return lose('annotation-invalid', 'an object without classTitle')
  const geometry = toGeometry(item, size, lose)
  if (geometry === undefined) return undefined
  const tags = asArray(member(item, 'tags')).flatMap((tag) => {
    const name = asText(member(tag, 'name'))
    return name === undefined || name === '__proto__' ? [] : [[name, member(tag, 'value') ?? true] as const]
  })
  const attributes = { ...Object.fromEntries(tags), ...geometry.attributes }
  return { ...geometry, label, attributes: Object.keys(attributes).length === 0 ? undefined : attributes }
}

function toGeometry(item: unknown, size: Size, lose: Lose): Omit<NamedObject, 'label'> | undefined {
  const type = asText(member(item, 'geometryType'))
  const points = member(item, 'points')
  const ring = (value: unknown) => asArray(value).flatMap((point) => asArray(point).map(toNumber))
  const outer = ring(member(points, 'exterior'))
  const [x1 = Number.NaN, y1 = Number.NaN, x2 = Number.NaN, y2 = Number.NaN] = outer
  switch (type) {
    case 'rectangle':
      return { kind: 'box', bbox: boxOfCorners(x1, y1, x2, y2) }
    case 'polygon': {
      const holes = asArray(member(points, 'interior')).map(ring)
      if (holes.length > 0) lose('hole-bridged', `${holes.length} holes of a polygon`)
      const joined = holes.length > 0 ? bridgeRings([outer, ...holes]) : outer
      return { kind: 'polygon', polygons: [joined], bbox: boxOfRings([outer]) }
    }
    case 'bitmap':
      return readBitmap(member(item, 'bitmap'), size, lose)
    case 'point':
    case 'line':
      return { kind: 'other', attributes: { shape: { type: type === 'line' ? 'linestrip' : 'point', points: outer } } }
    default:
      return lose('annotation-kind-not-supported', `geometryType ${JSON.stringify(type)}`)
  }
}

/** A PNG in zlib in base64, at a point of the image. Its last channel is 0 where the object is not. */
function readBitmap(bitmap: unknown, size: Size, lose: Lose): Omit<NamedObject, 'label'> | undefined {
  const [left = Number.NaN, top = Number.NaN] = asArray(member(bitmap, 'origin')).map(toNumber)
  try {
    const packed = Buffer.from(asText(member(bitmap, 'data')) ?? '', 'base64')
    const png = decodePng(inflateSync(packed, { maxOutputLength: MAX_MASK_BYTES }), 'bitmap')
    const { channels, samples, paletteAlpha, palette } = png
    const isSet = (at: number) => {
      const sample = samples[at * channels + channels - 1] ?? 0
      if (paletteAlpha !== undefined) return (paletteAlpha[sample] ?? 255) !== 0
      return palette === undefined ? sample !== 0 : (palette[sample * 3] ?? 0) !== 0
    }
    const rle = runsOfBox({ left, top, width: png.width, height: png.height }, size, isSet)
    if (rle === undefined)
      return lose('mask-size-mismatch', `a bitmap of ${png.width} × ${png.height} in ${size.width} × ${size.height}`)
    return rle.counts.length < 2 ? lose('annotation-too-small', 'a bitmap without a pixel') : { kind: 'mask', rle }
  } catch (error) {
    const isZlib = error instanceof Error && 'code' in error
    if (!(error instanceof DatasetError) && !isZlib) throw error
    return lose('annotation-invalid', `a bitmap: ${error.message}`)
  }
}
