import type { Publisher, PublishingJob } from '@trainyard/contract'
import type { ColumnType, Selectable } from 'kysely'

/** A repository whose jobs may publish a trainer. By the trainer's name, which need not exist yet. */
export interface TrustedPublisherTable {
  id: string
  trainer: string
  namespace: string
  /** The address of the issuer: its name in the configuration could come to mean another one. */
  issuer: string
  repository: string
  /** Null until the first token that matches. */
  repository_id: string | null
  owner_id: string | null
  workflow: string | null
  environment: string | null
  ref: string | null
  created_by: string
  created_at: Date
  last_used_at: Date | null
  /** Written as JSON text. */
  last_use: ColumnType<PublishingJob | null, string | undefined, string>
  last_refusal: ColumnType<Publisher['lastRefusal'] | null, string | undefined, string | null>
}
export type TrustedPublisherRow = Selectable<TrustedPublisherTable>

/** The tokens of jobs that were exchanged: each is exchanged once. */
export interface ExchangedTokenTable {
  issuer: string
  token_id: string
  expires_at: Date
}
