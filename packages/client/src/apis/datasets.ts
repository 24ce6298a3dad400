import {
  Dataset,
  DatasetClassCounts,
  DatasetFilesPage,
  DatasetImageList,
  DatasetList,
  type SplitName,
} from '@trainyard/contract'
import type { Connect } from '../http/connection.ts'
import { fetchJson, send } from '../http/request.ts'

/** The datasets of a runner. */
export interface DatasetsClient {
  /** Uploads a tar, tar.gz or zip of a dataset's folder. The same content under the same name returns the existing dataset. */
  upload(
    body: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | Blob | Uint8Array<ArrayBuffer>,
    options: { name: string; project?: string | undefined; signal?: AbortSignal | undefined },
  ): Promise<Dataset>
  /** One dataset. Throws `TrainyardApiError` if it does not exist. */
  get(id: string): Promise<Dataset>
  /** One page of datasets, newest first. */
  list(options?: { cursor?: string | undefined; limit?: number | undefined }): Promise<DatasetList>
  /** One page of a dataset's files, with signed URLs. Unlabelled files only with `all`. */
  files(
    id: string,
    options?: {
      cursor?: string | undefined
      limit?: number | undefined
      all?: boolean | undefined
      /** Only the image with this path. */
      path?: string | undefined
    },
  ): Promise<DatasetFilesPage>
  /** One page of a dataset's images with the objects on them. */
  images(
    id: string,
    options?: {
      /** Only images with the class of this id. */
      class?: number | undefined
      split?: SplitName | undefined
      cursor?: string | undefined
      /** Images per page, up to 200. Default: 50. */
      limit?: number | undefined
    },
  ): Promise<DatasetImageList>
  /** How many images each class is on. The most frequent `limit` classes, up to 1,000. Default: 100. */
  classes(id: string, options?: { limit?: number | undefined }): Promise<DatasetClassCounts>
  /** The bytes of an image that browsers can show, with its content type. */
  picture(id: string, path: string): Promise<Response>
  /** Deletes a dataset. Artifacts of jobs that used it are kept. */
  delete(id: string): Promise<void>
}

export function createDatasetsClient(connect: Connect): DatasetsClient {
  return {
    upload: (body, { name, project, signal }) =>
      fetchJson(connect, Dataset, {
        method: 'POST',
        path: '/v1/datasets',
        query: { name, project },
        headers: { 'content-type': 'application/octet-stream' },
        body: toBody(body),
        signal,
      }),
    get: (id) => fetchJson(connect, Dataset, { path: `/v1/datasets/${encodeURIComponent(id)}` }),
    list: (query) => fetchJson(connect, DatasetList, { path: '/v1/datasets', query }),
    files: (id, query) =>
      fetchJson(connect, DatasetFilesPage, { path: `/v1/datasets/${encodeURIComponent(id)}/files`, query }),
    images: (id, query) =>
      fetchJson(connect, DatasetImageList, { path: `/v1/datasets/${encodeURIComponent(id)}/images`, query }),
    classes: (id, query) =>
      fetchJson(connect, DatasetClassCounts, { path: `/v1/datasets/${encodeURIComponent(id)}/classes`, query }),
    picture: (id, path) => send(connect(), { path: `/v1/datasets/${encodeURIComponent(id)}/picture`, query: { path } }),
    async delete(id) {
      await send(connect(), { method: 'DELETE', path: `/v1/datasets/${encodeURIComponent(id)}` })
    },
  }
}

type Body = ReadableStream<Uint8Array> | Blob | Uint8Array<ArrayBuffer>

/** Converts an async iterable to a stream with back-pressure. */
function toBody(body: Body | AsyncIterable<Uint8Array>): Body {
  if (body instanceof ReadableStream || body instanceof Blob || body instanceof Uint8Array) return body
  const iterator = body[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    async cancel() {
      await iterator.return?.()
    },
  })
}
