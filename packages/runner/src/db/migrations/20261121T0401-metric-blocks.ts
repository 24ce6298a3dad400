import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const metricBlocks: Migration = {
  async up(db) {
    // A summary of consecutive points of one series, so that charts of long series need not read every point.
    await sql`
      create table metric_blocks (
        job_id bigint not null,
        attempt integer not null,
        name text not null,
        from_step bigint not null,
        to_step bigint not null,
        count integer not null,
        low_step bigint, low_value double precision, low_time timestamptz,
        high_step bigint, high_value double precision, high_time timestamptz,
        nan_step bigint, nan_time timestamptz,
        primary key (job_id, attempt, name, to_step)
      )`.execute(db)
  },
}
