import { deleteBlob, readBlob } from './blobs.ts'
import { listReferrers } from './list-referrers.ts'
import { listTags } from './list-tags.ts'
import { deleteManifest, readManifest } from './manifests.ts'
import { putManifest } from './put-manifest.ts'
import type { RepositoryRequest } from './repository.ts'
import { cancelUpload, finishUpload, getUploadStatus, patchUpload, startUpload } from './uploads.ts'

type Handler = (request: RepositoryRequest, reference: string) => Promise<Response>

interface Endpoint {
  /** Groups: the repository's name, and a digest, tag or upload id. */
  path: RegExp
  methods: Readonly<Record<string, Handler>>
}

/** The endpoints of a repository; the first match wins. Names contain slashes, so paths are matched from the end. */
export const OCI_ENDPOINTS: readonly Endpoint[] = [
  { path: /^\/v2\/(.+)\/blobs\/uploads\/?$/, methods: { POST: startUpload } },
  {
    path: /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/,
    methods: { GET: getUploadStatus, PATCH: patchUpload, PUT: finishUpload, DELETE: cancelUpload },
  },
  { path: /^\/v2\/(.+)\/blobs\/([^/]+)$/, methods: { GET: readBlob, HEAD: readBlob, DELETE: deleteBlob } },
  {
    path: /^\/v2\/(.+)\/manifests\/([^/]+)$/,
    methods: { GET: readManifest, HEAD: readManifest, PUT: putManifest, DELETE: deleteManifest },
  },
  { path: /^\/v2\/(.+)\/tags\/list$/, methods: { GET: listTags } },
  { path: /^\/v2\/(.+)\/referrers\/([^/]+)$/, methods: { GET: listReferrers } },
]

export const isUploadPath = (path: string): boolean => /\/blobs\/uploads\/[^/]+$/.test(path)
