import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatasetContent, DatasetImage, UnpackedDataset } from '../reading/dataset-content.ts'
import type { IssueList } from '../reading/issue-list.ts'
import { createIssueList } from '../reading/issue-list.ts'
import { concurrently } from './concurrently.ts'
import { examineImage } from './examine-image.ts'
import type { HashedFile } from './version-hash.ts'

/** A file that was looked at, ready to be stored. */
export interface ExaminedFile extends HashedFile {
  /** Its bytes, where they were small enough to be kept: reading thousands of small files twice costs seconds. */
  bytes: Buffer | undefined
}

/** Up to here a file is read in one go. */
const WHOLE_FILE_BYTES = 4 * 1024 ** 2
const EDGE_BYTES = 64 * 1024
/** Files up to the first size are kept in memory, until they are the second together. */
const KEPT_FILE_BYTES = 64 * 1024
const KEPT_TOTAL_BYTES = 64 * 1024 ** 2
const CONCURRENCY = 16

/** Hashes every file that belongs to the dataset and checks every image. Throws with the names of the broken ones. */
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
    if (typeof item !== 'string') check(item, head, tail, sizeBytes, issues)
  })
  issues.throwIfAny(issues.count === 1 ? 'One image cannot be used' : `${issues.count} images cannot be used`)
  return examined
}

function check(image: DatasetImage, head: Buffer, tail: Buffer, sizeBytes: number, issues: IssueList): void {
  const seen = examineImage(head, tail, sizeBytes)
  if (!seen.ok) {
    issues.add(image.path, seen.detail)
    return
  }
  const { declared } = image
  if (seen.type !== 'png' || declared === undefined) return
  // Boxes are in pixels of the declared size: on another one they would be wrong without a word.
  if (declared.width !== seen.width || declared.height !== seen.height)
    issues.add(
      declared.field,
      `says ${declared.width} x ${declared.height} pixels, but ${image.path} has ${seen.width} x ${seen.height}`,
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
    // The mark of the end may lie across two chunks.
    tail = Buffer.concat([tail.subarray(-EDGE_BYTES), bytes.subarray(-EDGE_BYTES)])
  }
  return { sha256: hash.digest('hex'), head: head ?? Buffer.alloc(0), tail }
}
