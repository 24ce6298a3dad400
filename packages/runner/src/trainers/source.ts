import type { ResolvedTrainer } from '@trainyard/contract'

export type { ResolvedTrainer }

/** Where trainers come from: the registry, or a folder in development. */
export interface TrainerSource {
  /** Turns `namespace/name@range` into one version. Throws `not_found` or `unprocessable`, saying what exists. */
  resolve(reference: string): Promise<ResolvedTrainer>
  /** The unpacked, read-only folder of a version; cached by digest. */
  fetchBundle(trainer: ResolvedTrainer): Promise<{ dir: string }>
}

/** Splits `namespace/name@range`; without a range any version will do. */
export function parseTrainerReference(reference: string): { name: string; range: string } {
  const at = reference.indexOf('@')
  if (at < 0) return { name: reference.trim(), range: '*' }
  return { name: reference.slice(0, at).trim(), range: reference.slice(at + 1).trim() || '*' }
}
