import { Readable } from 'node:stream'
import { Busboy } from '@fastify/busboy'
import { HTTPException } from 'hono/http-exception'
import { t } from '../words/t.ts'

export interface UploadForm {
  name: string
  message: string
  /** The dataset that gets another version. Empty for a dataset of its own. */
  dataset: string
  /** Read it to the end: the rest of the request waits for it. */
  archive: Readable
}

/** Reads a form up to its file, which is streamed. The fields come first, in the order of the page. */
export function readUploadForm(request: Request): Promise<UploadForm> {
  const contentType = request.headers.get('content-type') ?? ''
  const { body } = request
  if (!/^multipart\/form-data\b/i.test(contentType) || body === null)
    throw new HTTPException(415, { message: t('Expected a form with an archive') })
  return new Promise((resolve, reject) => {
    const refuse = () => reject(new HTTPException(400, { message: t('The form has no archive, or is not complete') }))
    const parser = new Busboy({
      headers: { 'content-type': contentType },
      limits: { fields: 5, fieldSize: 2000, files: 1, headerPairs: 20 },
    })
    const fields = { name: '', message: '', dataset: '' }
    parser.on('field', (field, value) => {
      if (field === 'name' || field === 'message' || field === 'dataset') fields[field] = value
    })
    parser.on('file', (_field, archive, fileName) => {
      // An error after the form was accepted is the reader's.
      archive.on('error', refuse)
      const { name } = fields
      resolve({ ...fields, name: name || fileName.replace(/\.(zip|tar|tgz|tar\.gz)$/i, ''), archive })
    })
    parser.on('finish', refuse)
    parser.on('error', refuse)
    Readable.fromWeb(body as import('node:stream/web').ReadableStream)
      .on('error', (error) => {
        parser.destroy(error)
        refuse()
      })
      .pipe(parser)
  })
}
