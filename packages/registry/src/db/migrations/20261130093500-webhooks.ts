import type { Migration } from '@trainyard/platform'
import { type Kysely, sql } from 'kysely'

/** Addresses that are notified of what happens to the trainers of a namespace, and what was sent to them. */
export const webhooks: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
      create table webhooks (
        id text primary key,
        namespace text not null,
        url text not null,
        description text,
        events jsonb,
        secret text not null,
        old_secret text,
        old_secret_until timestamptz,
        created_by text not null,
        created_at timestamptz not null,
        failing_since timestamptz,
        disabled_reason text
      )`.execute(db)
    await sql`create index webhooks_of_namespace on webhooks (namespace, created_at)`.execute(db)
    await sql`
      create table webhook_deliveries (
        id text primary key,
        webhook_id text not null references webhooks on delete cascade,
        type text not null,
        event jsonb not null,
        state text not null check (state in ('waiting', 'delivered', 'failed')),
        tries integer not null default 0,
        next_try_at timestamptz not null default now(),
        lease text,
        created_at timestamptz not null default now(),
        delivered_at timestamptz,
        last_try jsonb
      )`.execute(db)
    await sql`create index webhook_deliveries_waiting on webhook_deliveries (next_try_at) where state = 'waiting'`.execute(
      db,
    )
    await sql`create index webhook_deliveries_of_webhook on webhook_deliveries (webhook_id, created_at)`.execute(db)
    await sql`create index webhook_deliveries_over on webhook_deliveries (created_at) where state <> 'waiting'`.execute(
      db,
    )
  },
}
