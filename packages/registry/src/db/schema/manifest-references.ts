/** What a manifest refers to. Who may read a manifest may read the blobs that it refers to. */
export interface ManifestReferenceTable {
  repository_id: number
  manifest_digest: string
  digest: string
  kind: 'blob' | 'manifest'
}
