import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { formatBytes } from './format.ts'
import { t } from './words/t.ts'

/** Parsing costs time for each field, and any page can send a form. */
const MAX_FORM_BYTES = 16 * 1024
/** The form of a job has a field for each setting of the trainer, and each of the 4,000 characters of a review can take nine bytes. */
const MAX_LONG_FORM_BYTES = 128 * 1024

/** A picture of 20 MiB and the rest of its form. */
const MAX_PICTURE_FORM_BYTES = 21 * 1024 ** 2

/** Refuses forms that are too large, and files, before they are read. Two pages send files: uploads of datasets are streamed, and pictures to predict are small. */
export function formGate(): MiddlewareHandler {
  const limitTo = (maxSize: number) =>
    bodyLimit({
      maxSize,
      onError: () => {
        throw new HTTPException(413, { message: t('The form is larger than {size}', { size: formatBytes(maxSize) }) })
      },
    })
  const limited = limitTo(MAX_FORM_BYTES)
  const limitedLong = limitTo(MAX_LONG_FORM_BYTES)
  const limitedPicture = limitTo(MAX_PICTURE_FORM_BYTES)
  return async (c, next) => {
    // Archives of any length are passed on while they arrive.
    if (c.req.path === '/datasets/upload') return await next()
    if (/^\/predict\/\d+\/[\w-]+(?:\/tries)?$/.test(c.req.path)) return await limitedPicture(c, next)
    if (/^\s*multipart\//i.test(c.req.header('content-type') ?? ''))
      throw new HTTPException(415, { message: t('Forms with files are not accepted') })
    return await (/^\/jobs\/new$|^\/trainers\/[^/]+\/[^/]+\/reviews\//.test(c.req.path) ? limitedLong : limited)(
      c,
      next,
    )
  }
}
