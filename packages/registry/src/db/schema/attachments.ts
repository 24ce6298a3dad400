/** A signature, attestation or SBOM, and what it is about. Strangers may read it as soon as they may read that. */
export interface AttachmentTable {
  repository_id: number
  digest: string
  subject_digest: string
}
