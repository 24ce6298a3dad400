/** What the owner says of a version that should not be used. Each column is null unless it applies. */
export interface VersionNoticeTable {
  version_id: number
  deprecation: string | null
  /** A version, or `namespace/name`. */
  replacement: string | null
  yank_reason: string | null
}
