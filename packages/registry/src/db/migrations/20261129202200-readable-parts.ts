import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

const statements = (text: string) => text.split(/;\s*\n/).filter((statement) => statement.trim() !== '')

/** What strangers may read follows from the contents of published parts, and no longer from a flag of each manifest. */
export const readableParts: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements(`
      alter table manifests add column form text not null default 'artifact';
      update manifests set form = case
        when media_type in ('application/vnd.oci.image.index.v1+json',
          'application/vnd.docker.distribution.manifest.list.v2+json') then 'index'
        when artifact_type in ('application/vnd.oci.image.config.v1+json',
          'application/vnd.docker.container.image.v1+json') then 'image'
        else 'artifact' end;
      update manifests m set form = 'bundle' from version_parts p
        where p.kind = 'bundle' and p.repository_id = m.repository_id and p.manifest_digest = m.digest;
      alter table manifests alter column form drop default;

      create table part_manifests (
        version_id integer not null,
        kind text not null,
        repository_id integer not null,
        digest text not null,
        primary key (version_id, kind, digest),
        foreign key (version_id, kind) references version_parts on delete cascade
      );
      create index part_manifests_digest on part_manifests (repository_id, digest);
      with recursive reachable (version_id, kind, repository_id, digest) as (
        select version_id, kind, repository_id, manifest_digest from version_parts
          where state in ('published', 'deprecated', 'yanked')
        union
        select c.version_id, c.kind, c.repository_id, r.digest
        from reachable c
        join manifest_references r on r.repository_id = c.repository_id and r.manifest_digest = c.digest
          and r.kind = 'manifest'
        join manifests m on m.repository_id = r.repository_id and m.digest = r.digest
        where c.kind = 'image' and m.form in ('image', 'index')
      )
      insert into part_manifests select * from reachable;

      create table attachments (
        repository_id integer not null,
        digest text not null,
        subject_digest text not null,
        primary key (repository_id, digest, subject_digest),
        foreign key (repository_id, digest) references manifests (repository_id, digest) on delete cascade
      );

      alter table repository_blobs add column mounted_from integer references repositories on delete set null;
      create index manifest_references_blob on manifest_references (digest) where kind = 'blob';
      alter table manifests drop column published;
    `)) {
      await sql.raw(statement).execute(db)
    }
  },
}
