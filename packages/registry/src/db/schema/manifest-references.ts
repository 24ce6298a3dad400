/** What a manifest refers to. Publishing a manifest makes exactly these blobs and manifests readable. */
export interface ManifestReferenceTable {
  repository_id: number
  manifest_digest: string
  digest: string
  kind: 'blob' | 'manifest'
}
