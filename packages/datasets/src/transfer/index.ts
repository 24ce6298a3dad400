/**
 * Verified, resumable transfers over kept-alive HTTP: what the dataset cache downloads with, and what else needs bytes
 * or JSON from a server that may be away for a while.
 *
 * @module
 */

export { forEachConcurrently } from '../util/for-each-concurrently.ts'
export { createRandom } from '../util/random.ts'
export { asDatasetError, type DownloadContext, type DownloadSource, downloadFile } from './download-file.ts'
export { hashFile } from './hash-file.ts'
export * from './retry.ts'
export { asNetworkError, createTransport, type HttpRequest, type HttpResponse, type Transport } from './transport.ts'
