import { DatasetError } from '@trainyard/contract/trainer-errors'
import { listFiles } from '../../files/list-files.ts'
import { parseCsvTable } from '../../files/parse-csv.ts'
import { parseJson, readLimitedText } from '../../json/json-text.ts'
import type { DatasetReader, ReadOptions } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import { asText, member } from '../named/loose.ts'
import type { NamedImage } from '../named/named-image.ts'
import { readEach } from '../named/read-each.ts'
import { readNamed } from '../named/read-named.ts'
import { chooseLabel, labelsOf, toViaObject } from './region.ts'

interface ViaImage {
  name: string
  regions: { shape: unknown; attributes: unknown }[]
  attributes: unknown
}

/**
 * Opens projects and exports of the VGG Image Annotator, versions 1 and 2, as JSON or CSV. The class of a region is the
 * attribute that is named after it (`class`, `label`, `name`, `type` …), otherwise the first one.
 */
export async function readVia(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const listing = await listFiles(dir, options)
  const paths = listing.files.filter((path) => /\.(json|csv)$/i.test(path))
  const own = new Set(paths)
  return readNamed(
    {
      format: 'via',
      dir,
      listing,
      isOwn: (path) => own.has(path),
      images: (losses) =>
        readEach(paths, losses, async (path) => toImages(await readImages(dir, path, losses), path, losses)),
    },
    options,
  )
}

async function readImages(dir: string, path: string, losses: LossCounter): Promise<ViaImage[]> {
  const text = await readLimitedText(dir, path)
  return /\.csv$/i.test(path) ? fromCsv(text, path, losses) : fromJson(parseJson(text, path), path)
}

function fromJson(value: unknown, path: string): ViaImage[] {
  const project = member(value, '_via_img_metadata') ?? value
  if (typeof project !== 'object' || project === null) throw notVia(path)
  const images = Object.values(project).filter((item) => asText(member(item, 'filename')) !== undefined)
  if (images.length === 0) throw notVia(path)
  return images.map((item) => ({
    name: asText(member(item, 'filename')) ?? '',
    attributes: member(item, 'file_attributes'),
    // Version 1 numbers the regions, version 2 lists them.
    regions: Object.values(member(item, 'regions') ?? {}).map((region) => ({
      shape: member(region, 'shape_attributes'),
      attributes: member(region, 'region_attributes'),
    })),
  }))
}

/** A row that cannot be read costs itself, and is counted. */
function fromCsv(text: string, path: string, losses: LossCounter): ViaImage[] {
  const images = new Map<string, ViaImage>()
  let row = 1
  for (const cell of parseCsvTable(text)) {
    const name = cell('filename')
    const shape = cell('region_shape_attributes')
    const from = `${path}, row ${++row}`
    if (!name || !shape) {
      losses.add('annotation-invalid', `${from}, has no filename or region_shape_attributes`)
      continue
    }
    try {
      const image = images.get(name) ?? { name, regions: [], attributes: parseCell(cell('file_attributes'), from) }
      images.set(name, image)
      const parsed = parseCell(shape, from)
      if (member(parsed, 'name') !== undefined)
        image.regions.push({ shape: parsed, attributes: parseCell(cell('region_attributes'), from) })
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error
      losses.add('annotation-invalid', error.message)
    }
  }
  if (images.size === 0) throw notVia(path)
  return [...images.values()]
}

function parseCell(text: string | undefined, path: string): unknown {
  return text === undefined || text === '' ? {} : parseJson(text, path)
}

function notVia(path: string): DatasetError {
  return new DatasetError(`${path} is no project or export of the VGG Image Annotator 1 or 2`)
}

function toImages(images: readonly ViaImage[], path: string, losses: LossCounter): NamedImage[] {
  const key = chooseLabel(images.flatMap(({ regions }) => regions.map(({ attributes }) => attributes)))
  const fileKey = chooseLabel(images.map(({ attributes }) => attributes))
  return images.map(({ name, regions, attributes }) => {
    const from = `${name} in ${path}`
    const objects = regions.flatMap((region) => toViaObject(region, key, from, losses) ?? [])
    // Without regions, attributes of the file are classes of the image.
    const classes = regions.length === 0 && fileKey !== undefined ? labelsOf(member(attributes, fileKey)) : []
    return {
      name,
      from,
      width: 0,
      height: 0,
      objects: [...objects, ...classes.map((label) => ({ kind: 'class' as const, label }))],
    }
  })
}
