import type { CheckResult, TaskType, TrainerManifest, VersionState } from '@trainyard/contract'
import type { ColumnType, Generated } from 'kysely'

/** What is pushed for a version: an image, a bundle, or both of them, one after the other. */
export type PartKind = 'bundle' | 'image'

/** JSON columns are read as data and written as text. */
type Json<T> = ColumnType<T, string, string>

/** A trainer's name, with what the catalogue shows of its latest published version. */
export interface RepositoryTable {
  id: Generated<number>
  name: string
  namespace: string
  pulls: Generated<number>
  latest_version: string | null
  display_name: Generated<string>
  description: Generated<string>
  framework: Generated<string>
  license: Generated<string>
  task_types: Generated<TaskType[]>
  keywords: Generated<string[]>
  published_at: Date | null
  created_at: Generated<Date>
}

/** Bytes that the store holds, whoever pushed them; {@link RepositoryBlobTable} says who may see them. */
interface BlobTable {
  digest: string
  size_bytes: number
  created_at: Generated<Date>
}

interface RepositoryBlobTable {
  repository_id: number
  digest: string
  created_at: Generated<Date>
}

export interface UploadTable {
  id: string
  repository_id: number
  size_bytes: Generated<number>
  chunks: Generated<number>
  opened_by: string
  created_at: Generated<Date>
}

/** One request's worth of an upload, in an object of its own until the digest is known. */
export interface UploadChunkTable {
  upload_id: string
  number: number
  key: string
  size_bytes: number
  sha256: string
}

/** `content` is exactly what was pushed: a digest is over bytes, not over JSON. */
export interface ManifestTable {
  repository_id: number
  digest: string
  media_type: string
  artifact_type: string | null
  subject_digest: string | null
  annotations: Json<Record<string, string> | null>
  content: Uint8Array
  published: Generated<boolean>
  created_at: Generated<Date>
}

/** What a manifest names, so that a published manifest opens its blobs and its children, and nothing else. */
interface ManifestReferenceTable {
  repository_id: number
  manifest_digest: string
  digest: string
  kind: 'blob' | 'manifest'
}

interface TagTable {
  repository_id: number
  name: string
  digest: string
  updated_at: Generated<Date>
}

/** `digest` is that of the part pushed first, and never changes. */
interface VersionTable {
  id: Generated<number>
  repository_id: number
  version: string
  digest: string
  created_at: Generated<Date>
}

interface VersionPartTable {
  version_id: number
  kind: PartKind
  repository_id: number
  manifest_digest: string
  layer_digest: string | null
  size_bytes: number
  state: VersionState
  state_reason: string | null
  manifest: Json<TrainerManifest | null>
  readme: string | null
  check_id: string
  pushed_at: Generated<Date>
  published_at: Date | null
}

export interface CheckTable {
  id: string
  version_id: number
  kind: PartKind
  repository_id: number
  manifest_digest: string
  state: VersionState
  results: Json<CheckResult[]>
  tries: Generated<number>
  lease_owner: string | null
  lease_until: Date | null
  created_at: Generated<Date>
  finished_at: Date | null
}

export interface RegistryDatabase {
  repositories: RepositoryTable
  blobs: BlobTable
  repository_blobs: RepositoryBlobTable
  uploads: UploadTable
  upload_chunks: UploadChunkTable
  manifests: ManifestTable
  manifest_references: ManifestReferenceTable
  tags: TagTable
  versions: VersionTable
  version_parts: VersionPartTable
  checks: CheckTable
}
