import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

export const blobReviews: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      create table link_reviews (
        repository_id integer not null references repositories on delete cascade,
        digest text not null,
        queued_at timestamptz not null default now(),
        primary key (repository_id, digest)
      )
    `.execute(db)
    await sql`create index link_reviews_queue on link_reviews (queued_at)`.execute(db)
    await sql`
      create table blob_reviews (
        digest text primary key references blobs on delete cascade,
        queued_at timestamptz not null default now()
      )
    `.execute(db)
    await sql`create index blob_reviews_queue on blob_reviews (queued_at)`.execute(db)
    // What was left before there was a collector.
    await sql`
      insert into link_reviews (repository_id, digest)
      select link.repository_id, link.digest from repository_blobs link
      where not exists (select 1 from manifest_references used
        where used.repository_id = link.repository_id and used.digest = link.digest)
    `.execute(db)
    await sql`
      insert into blob_reviews (digest)
      select blobs.digest from blobs
      where not exists (select 1 from repository_blobs link where link.digest = blobs.digest)
    `.execute(db)
  },
}
