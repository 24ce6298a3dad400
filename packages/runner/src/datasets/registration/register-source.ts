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
import { checkSource, storeOf } from '../sources/sources.ts'
import { concurrently } from './concurrently.ts'
import { examineFiles } from './examine-files.ts'
import { inScratchFolder } from './register-dataset.ts'
import { type NewFile, type Owned, storeDataset } from './store-dataset.ts'
import { sweepUploads } from './sweep-uploads.ts'

const CONCURRENCY = 16
const MAX_ANNOTATION_BYTES = 20 * 1024 ** 3
const ANNOTATION_NAME = /\.(json|xml|txt|ya?ml|names|data|labels)$/i
/** File systems give one file so many names at most. */
const LINKS_OF_ONE_FILE = 30_000

interface SourceObject {
  path: string
  sizeBytes: number
  etag: string
}

export interface RegisterSourceOptions extends Omit<RegisterDatasetRequest, 'project'>, Owned {
  /** The slug of the organisation that has the project: sources may be of some alone. */
  organisation: string | undefined
}

/**
 * Registers a dataset whose images stay where they are: its annotation files are read and copied, its images are listed.
 * Throws `forbidden` for a source that is not allowed, and `unprocessable` with what is wrong with the files.
 */
export async function registerSource(
  context: DatasetContext,
  { name, source: asked, format, taskType, organisation, ...owned }: RegisterSourceOptions,
): Promise<{ dataset: Dataset; created: boolean }> {
  const source = checkSource(context, asked, organisation)
  const store = storeOf(context, source)
  await sweepUploads(context)
  return await inScratchFolder(context, async (scratch) => {
    const dir = join(scratch, 'files')
    const objects = await listSource(store, source.prefix)
    await layOut(store, source.prefix, objects, dir)
    const { dataset, content } = await readDataset(dir, objects, { format, taskType, name: 'the source' })
    // A single folder below the prefix may be the dataset's root.
    const root = relative(dir, dataset.dir).split(sep).join('/')
    const prefix = root === '' ? source.prefix : `${source.prefix}${root}/`
    const byPath = new Map(
      objects.map((object) => [root === '' ? object.path : object.path.slice(root.length + 1), object]),
    )
    const annotations = await examineFiles(dataset, { ...content, images: [] })
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
    return await storeDataset(context, { ...owned, name, content, files, source: { ...source, prefix } })
  })
}

async function listSource(store: ObjectStore, prefix: string): Promise<SourceObject[]> {
  const objects: SourceObject[] = []
  for await (const { key, sizeBytes, etag } of store.list(prefix)) {
    const path = key.slice(prefix.length)
    // Some tools make an empty object for a folder.
    if (path === '' || path.endsWith('/') || isJunk(path)) continue
    if (!isImagePath(path) && !ANNOTATION_NAME.test(path)) continue
    if (!isSafeRelativePath(path))
      throw new TrainyardError(
        'unprocessable',
        `The key ${JSON.stringify(key.slice(0, 200))} cannot be a file of a dataset`,
      )
    if (objects.length >= UPLOAD_LIMITS.maxFiles)
      throw new TrainyardError('unprocessable', `The source has more than ${UPLOAD_LIMITS.maxFiles} files`)
    objects.push({ path, sizeBytes, etag })
  }
  if (objects.length === 0)
    throw new TrainyardError('unprocessable', `There are no images and no annotations below "${prefix}"`)
  return objects
}

/** Annotation files as they are; for each image a stand-in, so that the readers find it. */
async function layOut(
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
      `The annotation files have ${bytes} bytes; at most ${MAX_ANNOTATION_BYTES} are read`,
    )
  const folders = new Set(objects.map(({ path }) => dirname(path)))
  for (const folder of folders) await mkdir(join(dir, folder), { recursive: true })
  const standIns: string[] = []
  let images = 0
  await concurrently(objects, CONCURRENCY, async ({ path }) => {
    const file = join(dir, path)
    if (!isImagePath(path)) {
      const { body } = await store.get(`${prefix}${path}`)
      await pipeline(Readable.from(body), createWriteStream(file))
      return
    }
    const number = Math.floor(images++ / LINKS_OF_ONE_FILE)
    const standIn = standIns[number]
    if (standIn !== undefined) return await link(standIn, file).catch(() => writeFile(file, STAND_IN))
    await writeFile(file, STAND_IN)
    standIns[number] = file
  })
}

/** The head of a PNG of 4096 × 4096 pixels: readers that need a size find one, and the pixels are the trainer's business. */
const STAND_IN = Buffer.from(
  '89504e470d0a1a0a0000000d49484452000010000000100008020000007dc1b3400000000049454e44ae426082',
  'hex',
)
