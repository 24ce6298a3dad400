import { readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { DatasetFormat, DICE_FILE_NAMES } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { IMAGE_NAME, listFiles } from '../files/list-files.ts'
import { decodeText, encodingOfMark } from '../files/read-text.ts'
import { asUtf8 } from '../json/as-utf8.ts'
import { cutJson } from '../json/cut-json.ts'
import { findSplitOfFolder } from '../splits/split-folder.ts'
import { findDatasetRoot } from './find-dataset-root.ts'
import { recogniseOtherFormat } from './recognise-other-format.ts'

/** A format that the files match, and the evidence. */
export interface DetectedFormat {
  format: DatasetFormat
  /** What was found in the files, as text. */
  evidence: string[]
}

type Evidence = Map<DatasetFormat, string[]>

/** Files of a kind that are read. All files of a dataset have the same format. */
const SAMPLE = 5

/** Options of {@link detectFormat}. */
export interface DetectFormatOptions {
  /** Name of the dataset in messages. Default: its folder in quotes. */
  name?: string | undefined
  /** See `ReadOptions`. */
  followLinks?: string | undefined
  signal?: AbortSignal | undefined
}

/** Formats whose readers expect their files at the top of the folder. */
export const AT_ROOT: ReadonlySet<DatasetFormat> = new Set([
  'yolo',
  'coco',
  'imagefolder',
  'dice',
  'masks',
  'huggingface',
  'dota',
  'kitti',
])

/**
 * The folder to read and its format: `dir`, or the only folder inside it (see `findDatasetRoot`) where the format needs that.
 * With `format` it is not detected. Throws as {@link detectFormat} does.
 */
export async function locateDataset(
  dir: string,
  { format, ...options }: DetectFormatOptions & { format?: DatasetFormat | undefined } = {},
): Promise<{ dir: string; format: DatasetFormat }> {
  const stats = await stat(dir).catch(() => undefined)
  const inner = stats?.isDirectory() ? await findDatasetRoot(dir) : ''
  if (inner === '') return { dir, format: format ?? (await detectFormat(dir, options)).format }
  const found = format ?? (await detectFormat(join(dir, inner), options)).format
  return { dir: AT_ROOT.has(found) ? join(dir, inner) : dir, format: found }
}

/**
 * Detects the format of a dataset from the content of its files, with the evidence. Throws `DatasetError` with the reason
 * `unknown-format` when no format matches, and `ambiguous-format` when more than one does.
 */
export async function detectFormat(dir: string, options: DetectFormatOptions = {}): Promise<DetectedFormat> {
  return toSingleFormat(options.name ?? `"${dir}"`, await findFormats(dir, options))
}

/** The one format that was found. Throws `DatasetError` for none and for several. */
export function toSingleFormat(name: string, found: readonly DetectedFormat[]): DetectedFormat {
  const [first, second] = found
  if (first === undefined) {
    throw new DatasetError(
      `The format of ${name} is unknown: its files match none of ${DatasetFormat.options.join(', ')}`,
      { reason: 'unknown-format' },
    )
  }
  if (second !== undefined) {
    const all = found.map((item) => `${item.format} (${item.evidence.join('; ')})`).join(' and ')
    throw new DatasetError(`The format of ${name} is ambiguous: it looks like ${all}; specify the format`, {
      reason: 'ambiguous-format',
    })
  }
  return first
}

/** Every format that the files match. */
export async function findFormats(
  dir: string,
  { name = `"${dir}"`, followLinks, signal }: DetectFormatOptions = {},
): Promise<DetectedFormat[]> {
  const stats = await stat(dir).catch((error: unknown) => {
    throw new DatasetError(`${name} cannot be read`, { reason: 'unreadable', cause: error })
  })
  const files = stats.isFile() ? [basename(dir)] : (await listFiles(dir, { followLinks, signal })).files
  const root = stats.isFile() ? join(dir, '..') : dir
  const evidence: Evidence = new Map()
  await detectJson(root, files, evidence, signal)
  await detectVoc(root, files, evidence)
  await detectYolo(root, files, evidence)
  if (evidence.size === 0) {
    const other = await recogniseOtherFormat(root, files)
    if (other?.format !== undefined) add(evidence, other.format, `${other.seen} is of ${other.name}`)
    else if (other !== undefined)
      throw new DatasetError(
        `The format of ${name} is unknown: it looks like ${other.name} (${other.seen}), which is not read; expected one of ${DatasetFormat.options.join(', ')}`,
        { reason: 'unknown-format' },
      )
    else detectFolders(files, evidence)
    if (evidence.size === 0) throwForArchive(name, files)
  }
  return [...evidence].map(([format, seen]) => ({ format, evidence: seen }))
}

/** Datasets are downloaded as archives, and sometimes given as such. */
function throwForArchive(name: string, files: readonly string[]): void {
  const archive = files.find((file) => /\.(?:zip|tar|tgz|tar\.[a-z0-9]+|7z|rar)$/i.test(file))
  if (archive !== undefined)
    throw new DatasetError(
      `The format of ${name} is unknown: ${archive} is an archive; unpack it and give its folder`,
      {
        reason: 'unknown-format',
      },
    )
}

function add(evidence: Evidence, format: DatasetFormat, seen: string): void {
  evidence.set(format, [...(evidence.get(format) ?? []), seen])
}

/** The JSON files of a folder have the same format, so a few of each folder suffice. */
async function detectJson(
  root: string,
  files: readonly string[],
  evidence: Evidence,
  signal: AbortSignal | undefined,
): Promise<void> {
  const perFolder = new Map<string, number>()
  for (const name of files.filter((file) => /\.json$/i.test(file))) {
    const folder = name.slice(0, Math.max(0, name.lastIndexOf('/')))
    const count = perFolder.get(folder) ?? 0
    perFolder.set(folder, count + 1)
    if (count >= SAMPLE) continue
    const seen = await inspectJson(join(root, name), name, signal)
    // Many datasets have unrelated JSON files. A damaged annotation file is reported by its reader.
    if (seen !== undefined) add(evidence, seen.format, seen.text)
    else if ((DICE_FILE_NAMES as readonly string[]).includes(name)) add(evidence, 'dice', `${name}, by its name`)
  }
}

async function inspectJson(
  file: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<{ format: DatasetFormat; text: string } | undefined> {
  const image = { keys: [] as string[] }
  const annotation = { keys: [] as string[] }
  let isDecided = false
  const firstKeys = (target: { keys: string[] }) => ({
    onElement({ bytes, start, end }: { bytes: Buffer; start: number; end: number }) {
      if (target.keys.length > 0 || end - start > 1 << 20) return
      try {
        target.keys = Object.keys(JSON.parse(bytes.toString('utf8', start, end)) as object)
      } catch {
        // Reported by the reader.
      }
      isDecided = annotation.keys.length > 0 || image.keys.includes('annotations')
    },
  })
  const copy = await asUtf8(file, signal).catch(() => ({ file, remove: undefined }))
  const members = await cutJson(copy.file, name, {
    arrays: { images: firstKeys(image), annotations: firstKeys(annotation) },
    isEnough: () => isDecided,
    signal,
  }).catch((error: unknown) => {
    if (error instanceof DatasetError) return undefined
    throw error
  })
  await copy.remove?.()
  if (members === undefined) return undefined
  if (typeof members.task_type === 'string') return { format: 'dice', text: `${name} has a task_type` }
  if (image.keys.includes('annotations')) return { format: 'dice', text: `${name} has annotations inside its images` }
  if (annotation.keys.includes('class_id')) return { format: 'dice', text: `${name} has annotations with a class_id` }
  if (Array.isArray(members.shapes)) return { format: 'labelme', text: `${name} has shapes` }
  if (annotation.keys.includes('segments_info')) return undefined
  if (annotation.keys.includes('category_id')) return { format: 'coco', text: `${name} has annotations by category_id` }
  if (Array.isArray(members.categories) && image.keys.includes('file_name')) {
    return { format: 'coco', text: `${name} has images and categories` }
  }
  return undefined
}

async function detectVoc(root: string, files: readonly string[], evidence: Evidence): Promise<void> {
  for (const name of files.filter((file) => /\.xml$/i.test(file)).slice(0, SAMPLE)) {
    const text = await readAnyText(join(root, name), name)
    if (/<annotation[\s>]/.test(text.slice(0, 4096))) return add(evidence, 'voc', `${name} has an <annotation>`)
  }
  const mask = files.find((file) => /(?:^|\/)Segmentation(?:Class|Object)(?:PNG)?\/.+\.png$/i.test(file))
  if (mask !== undefined) add(evidence, 'voc', `${mask} is in a folder of masks`)
}

async function detectYolo(root: string, files: readonly string[], evidence: Evidence): Promise<void> {
  for (const name of files.filter((file) => /^[^/]*\.ya?ml$/i.test(file))) {
    const text = await readAnyText(join(root, name), name)
    if (/^(?:names|nc)\s*:/m.test(text) && /^(?:train|val|path)\s*:/m.test(text)) {
      return add(evidence, 'yolo', `${name} has train, val and names`)
    }
  }
  const labels = files.filter(
    (file) => /(?:^|\/)labels[^/]*\/.*\.txt$/i.test(file) || /(?:^|\/)obj[^/]*\/.*\.txt$/i.test(file),
  )
  const images = new Set(files.filter((file) => IMAGE_NAME.test(file)).map((file) => file.replace(/\.[^.]*$/, '')))
  const beside = files.filter((file) => /\.txt$/i.test(file) && images.has(file.slice(0, -4)))
  for (const name of [...labels, ...beside].slice(0, SAMPLE * 10)) {
    const text = await readAnyText(join(root, name), name)
    const [line] = text.split(/\r?\n/).filter((row) => row.trim() !== '')
    if (line !== undefined && /^\d+(?:\.0*)?(?:\s+-?[\d.]+(?:e-?\d+)?){4,}\s*$/i.test(line)) {
      return add(evidence, 'yolo', `${name} has rows of a class and numbers`)
    }
  }
}

/** The whole text of a file, also with bytes that are not UTF-8. Empty when it cannot be read, which its reader reports. */
async function readAnyText(path: string, name: string): Promise<string> {
  const bytes = await readFile(path).catch(() => new Uint8Array())
  const text = encodingOfMark(bytes) === undefined ? Buffer.from(bytes).toString('utf8') : decodeText(bytes, name)
  return text.replace(/^\ufeff/, '')
}

/** Images in folders, and no labels of any format. */
function detectFolders(files: readonly string[], evidence: Evidence): void {
  const folders = new Set(
    files.filter((file) => IMAGE_NAME.test(file) && file.includes('/')).map((file) => file.replace(/\/[^/]*$/, '')),
  )
  const isPlain = [...folders].every(
    (folder) => /^(?:images|jpegimages)$/i.test(folder) || findSplitOfFolder(folder) !== undefined,
  )
  if (folders.size > 0 && !isPlain) add(evidence, 'imagefolder', `images in ${folders.size} folders, and no labels`)
}
