import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

/** Domains and repositories that namespaces say that they belong to. */
export const namespaceProofs: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      create table namespace_proofs (
        id text primary key,
        namespace text not null,
        kind text not null check (kind in ('dns', 'repository')),
        subject text not null,
        token text not null,
        created_by text not null,
        created_at timestamptz not null,
        verified_at timestamptz,
        checked_at timestamptz,
        failing_since timestamptz,
        problem text,
        unique (namespace, kind, subject)
      )`.execute(db)
    await sql`create index namespace_proofs_verified on namespace_proofs (namespace) where verified_at is not null`.execute(
      db,
    )
  },
}
