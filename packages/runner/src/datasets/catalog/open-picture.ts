import { MAX_PICTURE_BYTES, MAX_PICTURE_PIXELS } from '@trainyard/contract'
import { notFound, pictureSignature, TrainyardError } from '@trainyard/platform'
import type { DatasetContext } from '../context.ts'
import { imageKey, storeOf } from '../sources/store-of.ts'
import { findVersion } from './find-version.ts'

export interface Picture {
  body: ReadableStream<Uint8Array>
  contentType: string
  sizeBytes: number
}

/** Opens an image for a browser. The content type follows from the first bytes, never from a name. */
export async function openPicture(context: DatasetContext, name: string, path: string): Promise<Picture> {
  const { db } = context.database
  const { id, source } = await findVersion(db, name)
  const row = await db
    .selectFrom('dataset_files')
    .select(['size_bytes', 'width', 'height'])
    .where('dataset_id', '=', id)
    .where('path', '=', path)
    .where('role', '=', 'image')
    .executeTakeFirst()
  if (row === undefined) throw notFound('image', path)
  const { size_bytes: sizeBytes, width, height } = row
  if (sizeBytes > MAX_PICTURE_BYTES)
    throw refuse(`${path} has ${sizeBytes} bytes: pages show images of up to ${MAX_PICTURE_BYTES} bytes`)
  if (width !== null && height !== null && width * height > MAX_PICTURE_PIXELS)
    throw refuse(`${path} has ${width} x ${height} pixels: pages show images of up to ${MAX_PICTURE_PIXELS} pixels`)
  const { body } = await storeOf(context, source).get(imageKey(id, source, path))
  const chunks = body[Symbol.asyncIterator]()
  const first = await chunks.next()
  const head: Uint8Array = first.done === true ? new Uint8Array() : first.value
  const contentType =
    pictureSignature(head) ?? (Buffer.from(head.subarray(0, 2)).toString() === 'BM' ? 'image/bmp' : undefined)
  if (contentType === undefined) {
    await chunks.return?.()
    throw refuse(`${path} is not an image that browsers show: expected a PNG, JPEG, WebP, GIF or BMP`)
  }
  return { body: streamOf(head, chunks), contentType, sizeBytes }
}

function streamOf(head: Uint8Array, rest: AsyncIterator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(head),
    async pull(controller) {
      const { done, value } = await rest.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    async cancel() {
      await rest.return?.()
    },
  })
}

function refuse(detail: string): TrainyardError {
  return new TrainyardError('unprocessable', detail, { issues: [{ path: 'path', detail }] })
}
