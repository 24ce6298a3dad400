import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const metricNames: Migration = {
  async up(db) {
    // How many names of metrics a job has, over all attempts. Counting the names of older jobs would read all their points:
    // they count from the names of their latest metrics.
    await sql`alter table jobs add column metric_names integer not null default 0`.execute(db)
    await sql`
      update jobs set
        metric_names = (select count(*) from jsonb_object_keys(latest_metrics)),
        latest_metrics = (
          select coalesce(jsonb_object_agg(key, value), '{}') from (
            select key, value from jsonb_each(latest_metrics)
            order by key = primary_metric ->> 'name' desc, key limit 100
          ) kept
        )
      where latest_metrics <> '{}'`.execute(db)
  },
}
