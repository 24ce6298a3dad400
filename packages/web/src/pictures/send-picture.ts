import { MAX_PICTURE_BYTES } from '@trainyard/contract'
import type { Context } from 'hono'
import type { WebContext, WebEnv } from '../context.ts'
import { t } from '../words/t.ts'
import { pictureTypeOf } from './picture-type.ts'

/**
 * Answers with a picture that a signed address holds, from our own origin: pages load nothing from elsewhere. The content type is
 * that of the bytes; a file that is no picture is refused, so that a trainer's HTML or SVG never runs here.
 */
export async function sendPicture(
  c: Context<WebEnv>,
  context: WebContext,
  { url, sizeBytes }: { url: string; sizeBytes: number },
): Promise<Response> {
  const refuse = (text: string) => c.text(text, 415)
  if (sizeBytes > MAX_PICTURE_BYTES) return refuse(t('The file is too large to be shown; download it'))
  const source = new URL(url, context.runnerUrl)
  if (!/^https?:$/.test(source.protocol)) return refuse(t('The file is not at a web address'))
  const response = await context.fetch(source.href, { signal: c.req.raw.signal })
  if (!response.ok || response.body === null) return c.text(t('The file is not available'), 502)
  const bytes = await readAtMost(response.body, MAX_PICTURE_BYTES)
  const type = bytes && pictureTypeOf(bytes)
  if (bytes === undefined || type === undefined)
    return refuse(t('The file is not a picture that pages show; download it'))
  // Files never change: an artifact and an image of a dataset are known by their digest.
  c.header('Cache-Control', 'private, max-age=86400, immutable')
  c.header('Content-Disposition', 'inline')
  return c.body(bytes, 200, { 'Content-Type': type.contentType })
}

/** Undefined when there are more bytes: what a store announces is not what it sends. */
async function readAtMost(
  body: ReadableStream<Uint8Array>,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > limit) return undefined
    chunks.push(chunk)
  }
  const whole = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}
