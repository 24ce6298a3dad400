/** What `publishTrainer` reports, in this order. `uploading` repeats. */
export type PublishProgress =
  | { type: 'packing'; files: number; sizeBytes: number }
  | { type: 'packed'; files: number; sizeBytes: number; archiveBytes: number; digest: string }
  | { type: 'uploading'; sentBytes: number; totalBytes: number }
  /** The registry already has this content. It was not uploaded. */
  | { type: 'exists'; what: 'bundle' | 'version' }
  /** The text of a `Warning` header of the registry. */
  | { type: 'warning'; text: string }
  | { type: 'pushed'; digest: string }

/** The trainer to publish, and the registry. */
export interface PublishOptions {
  /** The trainer's folder, with trainer.json at its root. */
  dir: string
  registryUrl: string
  /** A token with the scope `push:<namespace>`. */
  token?: string | undefined
  /** Called while the trainer is packed and pushed. */
  onProgress?: ((progress: PublishProgress) => void) | undefined
  signal?: AbortSignal | undefined
  /** Default: the global `fetch`. */
  fetch?: typeof fetch | undefined
  /** Attempts per request when the network or the registry fails. Default 5, with pauses of 0.5, 1, 2 and 4 s. */
  maxAttempts?: number | undefined
  /** The first of those pauses, in ms. Default 500. */
  retryMs?: number | undefined
}

/** The version that was pushed, and its check. */
export interface PublishResult {
  name: string
  version: string
  /** Digest of the OCI manifest. */
  digest: string
  /** Id of the acceptance check. Follow it with `client.checks.live`. */
  checkId?: string | undefined
}
