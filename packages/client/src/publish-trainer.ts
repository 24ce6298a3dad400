/** What happens during a publication, in this order; `uploading` repeats. */
export type PublishProgress =
  | { type: 'packing'; files: number; sizeBytes: number }
  | { type: 'packed'; files: number; sizeBytes: number; archiveBytes: number; digest: string }
  | { type: 'uploading'; sentBytes: number; totalBytes: number }
  /** The registry already holds this content: nothing was sent. */
  | { type: 'exists'; what: 'bundle' | 'version' }
  /** What the registry says in a `Warning` header. */
  | { type: 'warning'; text: string }
  | { type: 'pushed'; digest: string }

/** What is published, and where to. */
export interface PublishOptions {
  /** The trainer's folder: trainer.json lies at its root. */
  dir: string
  registryUrl: string
  /** A token with the scope `push:<namespace>`. */
  token?: string | undefined
  /** Called as the trainer is packed, pushed and checked. */
  onProgress?: ((progress: PublishProgress) => void) | undefined
  signal?: AbortSignal | undefined
  /** Default: the global one. */
  fetch?: typeof fetch | undefined
  /** Attempts per request when the network or the registry fails. Default 5, with pauses of 0.5, 1, 2 and 4 s. */
  maxAttempts?: number | undefined
  /** First of those pauses, in ms. Default 500. */
  retryMs?: number | undefined
}

/** The version that was pushed, and its check. */
export interface PublishResult {
  name: string
  version: string
  /** Of the OCI manifest. */
  digest: string
  /** Of the acceptance that began; follow it with `client.checks.live`. */
  checkId?: string
}

/**
 * Packs a trainer's folder and pushes it to a registry. Needs Node or Bun.
 *
 * Throws {@link InvalidTrainerError} before anything is sent, {@link VersionExistsError} when the version is taken by
 * other content, {@link PushRefusedError} when the registry says no, {@link TrainyardUnreachableError} when nothing
 * answers. The same content again is a success.
 */
export async function publishTrainer(options: PublishOptions): Promise<PublishResult> {
  // Loaded late: the rest of the client must also run where there is no file system.
  const { publish } = await import('./publish/publish.ts')
  return publish(options)
}
