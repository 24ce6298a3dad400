import type { TrainerManifest } from '@trainyard/contract'

/** What the thread is asked to check. */
export interface SettingsOrder {
  schema: TrainerManifest['config']['schema']
  settings: Record<string, unknown>
}

export interface SettingsError {
  instancePath: string
  keyword: string
  params: Record<string, unknown>
  message?: string | undefined
  data: unknown
}

/** `valid`: the settings, with defaults. */
export type SettingsOutcome =
  | { type: 'valid'; settings: Record<string, unknown> }
  | { type: 'invalid'; errors: SettingsError[] }
  | { type: 'bad-schema'; reason: string }
