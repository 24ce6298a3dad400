import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

/** Reviews of trainers by those who ran them, and reports of reviews. */
export const reviews: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      create table reviews (
        id text primary key,
        repository_id integer not null references repositories on delete cascade,
        subject text not null,
        version text not null,
        rating smallint not null check (rating between 1 and 5),
        text text not null,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        reply text,
        replied_by text,
        replied_at timestamptz,
        hidden_reason text,
        hidden_by text,
        hidden_at timestamptz,
        unique (repository_id, subject)
      )`.execute(db)
    await sql`create index reviews_by_time on reviews (repository_id, updated_at, id)`.execute(db)
    await sql`
      create table review_reports (
        review_id text not null references reviews on delete cascade,
        subject text not null,
        reason text not null,
        created_at timestamptz not null,
        decided_at timestamptz,
        primary key (review_id, subject)
      )`.execute(db)
    await sql`create index open_review_reports on review_reports (created_at) where decided_at is null`.execute(db)
    await sql`create index runs_of_subject on runs (repository_id, subject, version)`.execute(db)
  },
}
