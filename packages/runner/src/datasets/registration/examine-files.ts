import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatasetContent, DatasetImage, UnpackedDataset } from '../reading/dataset-content.ts'
import { createIssueList, type IssueList } from '../reading/issue-list.ts'
import { concurrently } from './concurrently.ts'
import { examineImage } from './examine-image.ts'
import type { HashedFile } from './version-hash.ts'

/** A file with its hash, ready to be stored. */
export interface ExaminedFile extends HashedFile {
  /** The bytes of a small file: reading thousands of small files twice takes seconds. */
  bytes: Buffer | undefined
}

/** Files up to this size are read in one call. */
const WHOLE_FILE_BYTES = 4 * 1024 ** 2
const EDGE_BYTES = 64 * 1024
/** Files up to the first size stay in memory, up to the second size in total. */
const KEPT_FILE_BYTES = 64 * 1024
const KEPT_TOTAL_BYTES = 64 * 1024 ** 2
const CONCURRENCY = 16

/** Hashes every file of the dataset and checks every image. Throws `unprocessable` with the images that are broken. */
export async function examineFiles(dataset: UnpackedDataset, content: DatasetContent): Promise<ExaminedFile[]> {
  const issues = createIssueList()
  const examined: ExaminedFile[] = []
  let keptBytes = 0
  await concurrently([...content.images, ...content.annotationFiles], CONCURRENCY, async (item) => {
    const path = typeof item === 'string' ? item : item.path
    const sizeBytes = dataset.files.get(path) ?? 0
    const { sha256, head, tail } = await readEdges(join(dataset.dir, path), sizeBytes)
    const keep = sizeBytes <= KEPT_FILE_BYTES && keptBytes + sizeBytes <= KEPT_TOTAL_BYTES
    if (keep) keptBytes += sizeBytes
    examined.push({ path, sizeBytes, sha256, bytes: keep ? head : undefined })
    if (typeof item !== 'string') checkImage(item, head, tail, sizeBytes, issues)
  })
  issues.throwIfAny(issues.count === 1 ? 'One image cannot be used' : `${issues.count} images cannot be used`)
  return examined
}

function checkImage(image: DatasetImage, head: Buffer, tail: Buffer, sizeBytes: number, issues: IssueList): void {
  const seen = examineImage(head, tail, sizeBytes)
  if (!seen.ok) {
    issues.add(image.path, seen.detail)
    return
  }
  const { declared } = image
  if (seen.type !== 'png' || declared === undefined) return
  // Boxes are in pixels of the declared size: for another size they would all be wrong.
  if (declared.width !== seen.width || declared.height !== seen.height)
    issues.add(
      declared.field,
      `states ${declared.width} x ${declared.height} pixels, but ${image.path} has ${seen.width} x ${seen.height}`,
    )
}

async function readEdges(file: string, sizeBytes: number): Promise<{ sha256: string; head: Buffer; tail: Buffer }> {
  const hash = createHash('sha256')
  if (sizeBytes <= WHOLE_FILE_BYTES) {
    const bytes = await readFile(file)
    return { sha256: hash.update(bytes).digest('hex'), head: bytes, tail: bytes }
  }
  let head: Buffer | undefined
  let tail: Buffer = Buffer.alloc(0)
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 ** 2 })) {
    const bytes: Buffer = chunk
    hash.update(bytes)
    head ??= bytes.subarray(0, EDGE_BYTES)
    // The end marker may span two chunks.
    tail = Buffer.concat([tail.subarray(-EDGE_BYTES), bytes.subarray(-EDGE_BYTES)])
  }
  return { sha256: hash.digest('hex'), head: head ?? Buffer.alloc(0), tail }
}
