/**
 * Verified, resumable transfers over kept-alive HTTP connections. The dataset cache downloads with them; so can any code that
 * needs bytes or JSON from a server that may be unavailable for a while.
 *
 * @module
 */

export { forEachConcurrently } from '../util/for-each-concurrently.ts'
export { createRandom } from '../util/random.ts'
export { asDatasetError, type DownloadContext, type DownloadSource, downloadFile } from './download-file.ts'
export { hashFile } from './hash-file.ts'
export * from './retry.ts'
export {
  asNetworkError,
  type BodySink,
  createTransport,
  type DownloadRequest,
  type HttpHeaders,
  type HttpRequest,
  type HttpResponse,
  type ResponseHead,
  type Transport,
} from './transport.ts'
