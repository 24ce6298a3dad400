import type { ResolvedTrainer } from '@trainyard/contract'

export type { ResolvedTrainer }

export interface TraceOptions {
  /** The trace on whose behalf the source is asked. Default: none. */
  traceparent?: string | undefined
}

/** Resolves and fetches trainers: from the registry, or from a folder in development. */
export interface TrainerSource {
  /**
   * Resolves `namespace/name@range` to one version.
   *
   * @throws TrainyardError `not_found` or `unprocessable`, which name what exists
   */
  resolve(reference: string, options?: TraceOptions): Promise<ResolvedTrainer>
  /** The unpacked, read-only folder of a version. Cached by digest. Throws `unavailable` when the source stops sending. */
  fetchBundle(trainer: ResolvedTrainer, options?: TraceOptions): Promise<{ dir: string }>
}

/** Splits `namespace/name@range`. The default range is `*`. */
export function parseTrainerReference(reference: string): { name: string; range: string } {
  const at = reference.indexOf('@')
  if (at < 0) return { name: reference.trim(), range: '*' }
  return { name: reference.slice(0, at).trim(), range: reference.slice(at + 1).trim() || '*' }
}
