import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32 } from 'node:zlib'
import type { DatasetRow } from '../../db/schema/datasets.ts'
import type { DatasetContext } from '../context.ts'
import { concurrently } from '../registration/concurrently.ts'
import { imageKey, storeOf } from '../sources/store-of.ts'
import { datasetKey } from '../storage/storage-keys.ts'

const CONCURRENCY = 16
const ROWS_PER_PAGE = 5000

/**
 * Writes the files of a version to a folder. Without `pixels`, an image is the header of a PNG with its size, and the hash
 * of the image: enough to read annotations, and to find out which images are the same.
 */
export async function fetchVersion(
  context: DatasetContext,
  { id, source }: Pick<DatasetRow, 'id' | 'source'>,
  dir: string,
  { pixels }: { pixels: boolean },
): Promise<void> {
  // Also for a version without files: a tar of a folder that does not exist ends the process.
  await mkdir(dir, { recursive: true })
  const images = storeOf(context, source)
  const folders = new Set<string>()
  let after = ''
  for (;;) {
    const page = await context.database.db
      .selectFrom('dataset_files')
      .select(['path', 'role', 'sha256', 'etag', 'width', 'height'])
      .where('dataset_id', '=', id)
      .where('path', '>', after)
      .orderBy('path')
      .limit(ROWS_PER_PAGE)
      .execute()
    for (const { path } of page) {
      const folder = dirname(join(dir, path))
      if (!folders.has(folder)) await mkdir(folder, { recursive: true })
      folders.add(folder)
    }
    await concurrently(page, CONCURRENCY, async ({ path, role, sha256, etag, width, height }) => {
      const file = join(dir, path)
      if (role === 'image' && !pixels) return await writeFile(file, placeholder(width, height, sha256 ?? etag ?? ''))
      const { body } = await (role === 'image'
        ? images.get(imageKey(id, source, path))
        : context.store.get(datasetKey(id, path)))
      await pipeline(Readable.from(body), createWriteStream(file))
    })
    const last = page.at(-1)
    if (page.length < ROWS_PER_PAGE || last === undefined) return
    after = last.path
  }
}

const PNG = Buffer.from('89504e470d0a1a0a0000000d494844520000100000001000080200000000000000', 'hex')

function placeholder(width: number | null, height: number | null, digest: string): Buffer {
  const header = Buffer.from(PNG)
  if (width !== null && height !== null) {
    header.writeUInt32BE(width, 16)
    header.writeUInt32BE(height, 20)
  }
  // Readers that take sizes from the images refuse a header whose checksum is wrong.
  header.writeUInt32BE(crc32(header.subarray(12, 29)), 29)
  return Buffer.concat([header, Buffer.from(digest)])
}
