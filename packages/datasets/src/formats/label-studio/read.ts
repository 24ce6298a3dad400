import { DatasetError } from '@trainyard/contract/trainer-errors'
import { listFiles } from '../../files/list-files.ts'
import { readJson } from '../../json/json-text.ts'
import type { DatasetReader, ReadOptions } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import { asArray, asText, member, toSide } from '../named/loose.ts'
import type { NamedImage } from '../named/named-image.ts'
import { readEach } from '../named/read-each.ts'
import { readNamed } from '../named/read-named.ts'
import { toLabelStudioObjects } from './region.ts'

/** Members of a task of JSON-MIN that are not regions. */
const TASK_IMAGE = /\.(png|jpe?g|gif|bmp|webp|tiff?)(?:$|[?#])/i

/**
 * Opens exports of Label Studio, JSON and JSON-MIN. Positions are shares of the image, and rotations turn about the top-left
 * corner. Of several annotators, the first one that did not skip the task is read.
 */
export async function readLabelStudio(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const listing = await listFiles(dir, options)
  const paths = listing.files.filter((path) => /\.json$/i.test(path))
  const own = new Set(paths)
  return readNamed(
    {
      format: 'label-studio',
      dir,
      listing,
      isOwn: (path) => own.has(path),
      images: (losses) => readEach(paths, losses, async (path) => toImages(await readJson(dir, path), path, losses)),
    },
    options,
  )
}

function toImages(value: unknown, path: string, losses: LossCounter): NamedImage[] {
  const tasks = Array.isArray(value) ? value : [value]
  if (!tasks.some((task) => imageOf(task) !== undefined))
    throw new DatasetError(`${path} has no task with an image; expected an export of Label Studio (JSON or JSON-MIN)`)
  return tasks.flatMap((task, index) => {
    const from = `tasks[${index}] in ${path}`
    const image = imageOf(task)
    if (image === undefined) {
      losses.add('annotation-invalid', `${from} has no image`)
      return []
    }
    if (isUnlabelled(task)) {
      const predictions = asArray(member(task, 'predictions')).length
      if (predictions > 0) losses.add('extra-label-dropped', `${from} has only predictions of a model`, predictions)
      return []
    }
    const regions = regionsOf(task, from, losses)
    const [first] = regions.filter((region) => toSide(member(region, 'original_width')) > 0)
    return [
      {
        name: toFileName(image),
        from,
        width: toSide(member(first, 'original_width')),
        height: toSide(member(first, 'original_height')),
        objects: toLabelStudioObjects(regions, from, losses),
      },
    ]
  })
}

/** A task that no one has annotated, or that every annotator skipped. An empty result is an image without objects. */
function isUnlabelled(task: unknown): boolean {
  const lists = member(task, 'annotations') ?? member(task, 'completions')
  return Array.isArray(lists) && lists.every((list) => member(list, 'was_cancelled') === true)
}

/** The value of a task that names its image. */
function imageOf(task: unknown): string | undefined {
  const data = member(task, 'data') ?? task
  if (typeof data !== 'object' || data === null) return undefined
  const texts = Object.entries(data).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  const named = texts.find(([key, text]) => /image|img|photo|picture/i.test(key) && text !== '')
  return (texts.find(([, text]) => TASK_IMAGE.test(text)) ?? named)?.[1]
}

/** `/data/upload/1/ab12cd34-1.jpg`, `/data/local-files/?d=set/1.jpg`, `s3://bucket/1.jpg` or an address of the web. */
function toFileName(text: string): string {
  const [, local] = /[?&]d=([^&]+)/.exec(text) ?? []
  const path = local ?? text.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*\//i, '').replace(/[?#].*$/, '')
  const name = path.replace(/^\/?data\/upload\/(?:\d+\/)?/, '').replace(/^\/+/, '')
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

function regionsOf(task: unknown, from: string, losses: LossCounter): unknown[] {
  const lists = asArray(member(task, 'annotations') ?? member(task, 'completions'))
  if (!Array.isArray(member(task, 'annotations') ?? member(task, 'completions'))) return minimalRegions(task)
  const given = lists.filter((list) => member(list, 'was_cancelled') !== true)
  const [first, ...others] = given
  const count = others.reduce<number>((sum, list) => sum + asArray(member(list, 'result')).length, 0)
  losses.add('extra-label-dropped', `${from}: the results of ${others.length} other annotators`, count)
  return asArray(member(first, 'result'))
}

/** JSON-MIN has the regions in members with the names of the tags, without `value` around them. */
function minimalRegions(task: unknown): unknown[] {
  if (typeof task !== 'object' || task === null) return []
  return Object.entries(task).flatMap(([key, list]): unknown[] => {
    if (typeof list === 'string' && key !== 'image' && /^(?:choice|label|class)s?$/i.test(key))
      return [{ type: 'choices', value: { choices: [list] } }]
    return asArray(list).flatMap((value) => {
      const kind = typeof value === 'object' && value !== null ? Object.keys(value).find(isKind) : undefined
      const sides = {
        original_width: member(value, 'original_width'),
        original_height: member(value, 'original_height'),
      }
      return kind === undefined ? [] : [{ type: kind, value, ...sides }]
    })
  })
}

function isKind(key: string): boolean {
  return /^(?:rectangle|polygon|brush|ellipse|keypoint)labels$|^choices$/.test(key) && asText(key) !== undefined
}
