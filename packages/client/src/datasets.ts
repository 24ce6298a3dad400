import { Dataset, DatasetFilesPage, DatasetList } from '@trainyard/contract'
import { type Connect, fetchJson, send } from './http.ts'

/** The datasets of a runner. */
export interface DatasetsClient {
  /** Registers a dataset from a tar or tar.gz of its folder. The same content under the same name gives the same dataset again. */
  upload(
    body: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | Blob | Uint8Array<ArrayBuffer>,
    options: { name: string; project?: string; signal?: AbortSignal },
  ): Promise<Dataset>
  /** One dataset. Throws `TrainyardApiError` when there is none. */
  get(id: string): Promise<Dataset>
  /** Newest first. */
  list(options?: { cursor?: string | undefined; limit?: number | undefined }): Promise<DatasetList>
  /** One page of its files, with signed URLs. Only labelled ones unless `all`. */
  files(
    id: string,
    options?: { cursor?: string | undefined; limit?: number | undefined; all?: boolean | undefined },
  ): Promise<DatasetFilesPage>
  /** Removes a dataset. Jobs that have read it keep what they learned. */
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
    async delete(id) {
      await send(connect(), { method: 'DELETE', path: `/v1/datasets/${encodeURIComponent(id)}` })
    },
  }
}

type Body = ReadableStream<Uint8Array> | Blob | Uint8Array<ArrayBuffer>

/** An async iterable becomes a stream that is read at the pace of the network. */
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
