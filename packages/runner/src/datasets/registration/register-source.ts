import { createReadStream, createWriteStream } from 'node:fs'
import { link, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Dataset, isSafeRelativePath, type RegisterDatasetRequest } from '@trainyard/contract'
import { type ObjectStore, TrainyardError } from '@trainyard/platform'
import { type DatasetContext, UPLOAD_LIMITS } from '../context.ts'
import { isImagePath, isJunk } from '../reading/dataset-files.ts'
import { readDataset } from '../reading/read-dataset.ts'
import { checkSource } from '../sources/check-source.ts'
import { storeOf } from '../sources/store-of.ts'
import { concurrently } from './concurrently.ts'
import { hashFiles } from './hash-files.ts'
import { inScratchFolder } from './scratch-folder.ts'
import { type NewFile, type Ownership, storeDataset, type VersionOf } from './store-dataset.ts'
import { sweepUploads } from './sweep-uploads.ts'
import { withRoom } from './with-room.ts'

const CONCURRENCY = 16
const MAX_ANNOTATION_BYTES = 20 * 1024 ** 3
const ANNOTATION_NAME = /\.(json|xml|txt|ya?ml|names|data|labels)$/i
/** File systems limit the number of hard links to one file; ext4 allows 65,000. */
const MAX_LINKS = 30_000

interface SourceObject {
  path: string
  sizeBytes: number
  etag: string
}

export interface RegisterSourceOptions extends Omit<RegisterDatasetRequest, 'project'>, Ownership {
  /** The slug of the organisation that owns the project: some sources are limited to organisations. */
  organisation: string | undefined
  /** Default: a dataset of its own. */
  versionOf?: VersionOf | undefined
}

/**
 * Registers a dataset whose images stay where they are: its annotation files are read and copied, its images are listed.
 * Throws `forbidden` for a source that is not allowed, and `unprocessable` with what is wrong with the files.
 */
export async function registerSource(
  context: DatasetContext,
  { name, versionOf, source: requested, format, taskType, strict, organisation, ...ownership }: RegisterSourceOptions,
): Promise<{ dataset: Dataset; created: boolean }> {
  const source = checkSource(context, requested, organisation)
  const store = storeOf(context, source)
  await sweepUploads(context)
  return await inScratchFolder(context, async (scratch) => {
    const dir = join(scratch, 'files')
    const objects = await listSource(store, source.prefix)
    await copyAnnotations(store, source.prefix, objects, dir)
    const { dataset, content } = await readDataset(dir, objects, {
      format,
      taskType,
      strict,
      hasPixels: false,
      name: 'the source',
    })
    // The root of the dataset may be a folder below the prefix.
    const root = relative(dir, dataset.dir).split(sep).join('/')
    const prefix = root === '' ? source.prefix : `${source.prefix}${root}/`
    const byPath = new Map(
      objects.map((object) => [root === '' ? object.path : object.path.slice(root.length + 1), object]),
    )
    const annotations = await hashFiles(dataset, { ...content, images: [] })
    const files: NewFile[] = annotations.map(({ path, sizeBytes, sha256 }) => ({
      path,
      sizeBytes,
      sha256,
      etag: byPath.get(path)?.etag,
      open: () => createReadStream(join(dataset.dir, path)),
    }))
    for (const { path } of content.images) {
      const object = byPath.get(path)
      if (object !== undefined) files.push({ path, sizeBytes: object.sizeBytes, etag: object.etag })
    }
    const described = { name, versionOf, content, files, source: { ...source, prefix } }
    return await withRoom(context, ownership.projectId, (room) =>
      storeDataset(context, { ...ownership, ...described, room }),
    )
  })
}

async function listSource(store: ObjectStore, prefix: string): Promise<SourceObject[]> {
  const objects: SourceObject[] = []
  for await (const { key, sizeBytes, etag } of store.list(prefix)) {
    const path = key.slice(prefix.length)
    // Some tools create an empty object for a folder.
    if (path === '' || path.endsWith('/') || isJunk(path)) continue
    if (!isImagePath(path) && !ANNOTATION_NAME.test(path)) continue
    if (!isSafeRelativePath(path))
      throw new TrainyardError(
        'unprocessable',
        `The key ${JSON.stringify(key.slice(0, 200))} cannot be a file of a dataset: it is not a safe relative path`,
      )
    if (objects.length >= UPLOAD_LIMITS.maxFiles)
      throw new TrainyardError('unprocessable', `The source has more than ${UPLOAD_LIMITS.maxFiles} files`)
    objects.push({ path, sizeBytes, etag })
  }
  if (objects.length === 0)
    throw new TrainyardError('unprocessable', `There are no images and no annotations below "${prefix}"`)
  return objects
}

/** Downloads the annotation files, and creates a placeholder for each image, so that the readers find it. */
async function copyAnnotations(
  store: ObjectStore,
  prefix: string,
  objects: readonly SourceObject[],
  dir: string,
): Promise<void> {
  await mkdir(dir, { recursive: true })
  const bytes = objects.reduce((sum, { path, sizeBytes }) => sum + (isImagePath(path) ? 0 : sizeBytes), 0)
  if (bytes > MAX_ANNOTATION_BYTES)
    throw new TrainyardError(
      'unprocessable',
      `The annotation files have ${bytes} bytes; the limit is ${MAX_ANNOTATION_BYTES}`,
    )
  const folders = new Set(objects.map(({ path }) => dirname(path)))
  for (const folder of folders) await mkdir(join(dir, folder), { recursive: true })
  const placeholders: string[] = []
  let images = 0
  await concurrently(objects, CONCURRENCY, async ({ path }) => {
    const file = join(dir, path)
    if (!isImagePath(path)) {
      const { body } = await store.get(`${prefix}${path}`)
      await pipeline(Readable.from(body), createWriteStream(file))
      return
    }
    const number = Math.floor(images++ / MAX_LINKS)
    const placeholder = placeholders[number]
    if (placeholder !== undefined) return await link(placeholder, file).catch(() => writeFile(file, PLACEHOLDER))
    await writeFile(file, PLACEHOLDER)
    placeholders[number] = file
  })
}

/** The header of a PNG of 4096 × 4096 pixels, for readers that need a size. Trainers check the real size. */
const PLACEHOLDER = Buffer.from(
  '89504e470d0a1a0a0000000d49484452000010000000100008020000007dc1b3400000000049454e44ae426082',
  'hex',
)
