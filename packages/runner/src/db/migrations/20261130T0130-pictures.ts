import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Pictures that people send to a checkpoint. Those of one job are predicted in the order in which they came. */
export const pictures: Migration = {
  async up(db) {
    await sql`
      alter table jobs
        add column pictures text check (pictures in ('open', 'closed')),
        add column pictures_seq bigint not null default 0`.execute(db)
    await sql`create index jobs_pictures on jobs (project_id) where pictures = 'open'`.execute(db)
    await sql`
      create table pictures (
        id text primary key references artifacts (id) on delete cascade,
        position bigint generated always as identity,
        job_id bigint not null references jobs (id) on delete cascade,
        checkpoint_id text not null,
        name text not null,
        width integer not null,
        height integer not null,
        result jsonb,
        created_at timestamptz not null,
        finished_at timestamptz
      )`.execute(db)
    await sql`create index pictures_checkpoint on pictures (checkpoint_id, position)`.execute(db)
    await sql`create index pictures_job on pictures (job_id, position)`.execute(db)
  },
}
