/** The packages in a pushed manifest, as a CycloneDX document. */
export interface SbomTable {
  repository_id: number
  manifest_digest: string
  package_count: number
  content: string
  created_at: Date
}
