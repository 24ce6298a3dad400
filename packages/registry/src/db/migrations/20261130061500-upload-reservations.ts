import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

/** The bytes of uploads that have not ended, which count against the quota of their namespace. */
export const uploadReservations: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      create table upload_reservations (
        id text primary key,
        namespace text not null,
        size_bytes bigint not null,
        expires_at timestamptz not null
      )`.execute(db)
    await sql`create index upload_reservations_namespace on upload_reservations (namespace)`.execute(db)
  },
}
