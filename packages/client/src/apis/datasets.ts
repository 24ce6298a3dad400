import {
  Dataset,
  DatasetClassCounts,
  DatasetFilesPage,
  DatasetImageList,
  DatasetList,
  DatasetVersionDiff,
  DatasetVersionList,
  type SplitName,
  type TargetFormat,
  type TaskType,
} from '@trainyard/contract'
import type { Connect } from '../http/connection.ts'
import { fetchJson, type HttpRequest, send } from '../http/request.ts'

/** The bytes of an archive. */
export type ArchiveBody = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | Blob | Uint8Array<ArrayBuffer>

/** The datasets of a runner. An id names the latest version of a dataset, `ds_…@2` names version 2. */
export interface DatasetsClient {
  /** Uploads a tar, tar.gz or zip of a dataset's folder. The same content under the same name returns the existing dataset. */
  upload(
    body: ArchiveBody,
    options: {
      name: string
      project?: string | undefined
      /** Default: what the files are for. */
      taskType?: TaskType | undefined
      /** Refuse the dataset when anything would be left out or changed. Default false: `losses` says what. */
      strict?: boolean | undefined
      signal?: AbortSignal | undefined
    },
  ): Promise<Dataset>
  /** Uploads the next version of a dataset. Content that a version has already returns that version. */
  addVersion(
    id: string,
    body: ArchiveBody,
    options?: {
      message?: string | undefined
      taskType?: TaskType | undefined
      /** As of `upload`. */
      strict?: boolean | undefined
      signal?: AbortSignal | undefined
    },
  ): Promise<Dataset>
  /** One page of the versions of a dataset, newest first. */
  versions(
    id: string,
    options?: { cursor?: string | undefined; limit?: number | undefined },
  ): Promise<DatasetVersionList>
  /** What changed since the version `from`. Default: the version before. Undefined while the server compares them. */
  diff(id: string, options?: { from?: number | undefined }): Promise<DatasetVersionDiff | undefined>
  /** The report of a version as one HTML page. Undefined while the server makes it. */
  reportPage(id: string): Promise<Response | undefined>
  /** A tar of a version, by default of the files as they were uploaded. Undefined while the server makes it. */
  download(
    id: string,
    options?: { as?: TargetFormat | undefined; signal?: AbortSignal | undefined },
  ): Promise<Response | undefined>
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
  /** Deletes a dataset with all its versions. Artifacts of jobs that used it are kept. */
  delete(id: string): Promise<void>
}

export function createDatasetsClient(connect: Connect): DatasetsClient {
  return {
    upload: (body, { name, project, taskType, strict, signal }) =>
      fetchJson(connect, Dataset, {
        method: 'POST',
        path: '/v1/datasets',
        query: { name, project, taskType, strict },
        headers: { 'content-type': 'application/octet-stream' },
        body: toBody(body),
        signal,
      }),
    addVersion: (id, body, { message, taskType, strict, signal } = {}) =>
      fetchJson(connect, Dataset, {
        method: 'POST',
        path: `/v1/datasets/${encodeURIComponent(id)}/versions`,
        query: { message, taskType, strict },
        headers: { 'content-type': 'application/octet-stream' },
        body: toBody(body),
        signal,
      }),
    versions: (id, query) =>
      fetchJson(connect, DatasetVersionList, { path: `/v1/datasets/${encodeURIComponent(id)}/versions`, query }),
    async diff(id, query) {
      const response = await sendForResult(connect, { path: `/v1/datasets/${encodeURIComponent(id)}/diff`, query })
      return response && DatasetVersionDiff.parse(await response.json())
    },
    reportPage: (id) =>
      sendForResult(connect, { path: `/v1/datasets/${encodeURIComponent(id)}/report`, query: { as: 'html' } }),
    download: (id, { as, signal } = {}) =>
      sendForResult(connect, { path: `/v1/datasets/${encodeURIComponent(id)}/download`, query: { as }, signal }),
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

/** Undefined for the status 202: the result is being made. */
async function sendForResult(connect: Connect, request: HttpRequest): Promise<Response | undefined> {
  const response = await send(connect(), request)
  if (response.status !== 202) return response
  await response.body?.cancel()
  return undefined
}

type Body = ReadableStream<Uint8Array> | Blob | Uint8Array<ArrayBuffer>

/** Converts an async iterable to a stream with back-pressure. */
function toBody(body: ArchiveBody): Body {
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
