import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

export const trigrams: Migration = {
  async up(db: Kysely<unknown>) {
    // An extension belongs to the whole database. It can be missing, or the role cannot create it: search then
    // works without typo tolerance. The exception handler also covers two schemas that migrate at the same time.
    await sql
      .raw(`do $$ begin
        create extension if not exists pg_trgm with schema public;
      exception when others then
        raise notice 'pg_trgm is not available: %', sqlerrm;
      end $$`)
      .execute(db)
  },
}
