import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'

/** The largest form is that of a token. Parsing costs time for each field, and any page can send a form. */
const MAX_FORM_BYTES = 16 * 1024

/** Refuses forms that are too large, and files, before they are read: no page sends files. */
export function formGate(): MiddlewareHandler {
  const limited = bodyLimit({
    maxSize: MAX_FORM_BYTES,
    onError: () => {
      throw new HTTPException(413, { message: `The form is larger than ${MAX_FORM_BYTES} bytes` })
    },
  })
  return async (c, next) => {
    if (/^\s*multipart\//i.test(c.req.header('content-type') ?? ''))
      throw new HTTPException(415, { message: 'Forms with files are not accepted' })
    return await limited(c, next)
  }
}
