import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

/** How far each published part was checked, computed from the results of the check that published it. */
export const trust: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table version_parts add column trust jsonb`.execute(db)
    // Results of the first checks do not say which were required.
    await sql`
      with results as (
        select p.version_id, p.kind, r ->> 'name' as name, r ->> 'status' = 'passed' as passed,
          coalesce(r ->> 'reason', 'it did not run') as reason,
          coalesce((r ->> 'required')::boolean, r ->> 'name' in ('manifest', 'image', 'secrets', 'compliance')) as required
        from version_parts p join checks c on c.id = p.check_id, jsonb_array_elements(c.results) r
        where p.state in ('published', 'deprecated', 'yanked')
      ), tiers as (
        select version_id, kind,
          coalesce(bool_or(passed and name <> 'manifest'), false) as looked,
          coalesce(jsonb_agg(jsonb_build_object('check', name, 'reason', reason)) filter (where required and not passed),
            '[]') as skipped
        from results group by version_id, kind
      )
      update version_parts p set trust = jsonb_build_object('skipped', skipped, 'tier',
        case when not looked then 'unchecked' when skipped = '[]' then 'checked' else 'checked_in_part' end)
      from tiers where tiers.version_id = p.version_id and tiers.kind = p.kind
    `.execute(db)
    await sql`
      alter table repositories add column latest_trust jsonb, add column listed_tiers text
    `.execute(db)
  },
}
