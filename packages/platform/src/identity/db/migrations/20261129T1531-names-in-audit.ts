import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const namesInAudit: Migration = {
  async up(db) {
    // Names are stored, because audit rows outlive what they refer to.
    await sql`
      alter table audit
        add column actor_name text,
        add column subject_name text,
        add column credentials text,
        add column token_id text,
        add column token_name text,
        add column address text
    `.execute(db)
    await sql`update audit set actor_name = accounts.display_name from accounts where accounts.id = audit.actor`.execute(
      db,
    )
    // Rows of the registry had no organisation. Their subject starts with its namespace.
    await sql`
      update audit set organisation_id = organisations.id from organisations
      where audit.organisation_id is null and organisations.slug = split_part(audit.subject, '/', 1)
        and (audit.action like 'version.%' or audit.action like 'repository.%')`.execute(db)
  },
}
