import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const jobs: Migration = {
  async up(db) {
    await sql`create table instance (id text primary key)`.execute(db)
    await sql`insert into instance (id) values (gen_random_uuid()::text)`.execute(db)
    await sql`
      create table jobs (
        id bigint generated always as identity primary key,
        name text,
        state text not null check (state in ('pending', 'queued', 'running', 'succeeded', 'failed', 'cancelled')),
        attempt integer not null,
        end_reason text,
        error jsonb,
        operation text not null,
        task_type text not null,
        trainer_name text not null,
        trainer jsonb not null,
        model text not null,
        dataset_id text,
        dataset_name text,
        snapshot_id text,
        version_hash text,
        config jsonb not null,
        checkpoint_id text,
        export_format text,
        primary_metric jsonb not null,
        progress jsonb not null default '{}',
        latest_metrics jsonb not null default '{}',
        result jsonb,
        priority integer not null,
        max_retries integer not null,
        counted_retries integer not null default 0,
        free_retries integer not null default 0,
        deadline_seconds integer,
        idempotency_key text unique,
        request_hash text not null,
        trace_id text not null,
        cancel_requested_at timestamptz,
        run_after timestamptz,
        lease_owner text,
        lease_expires_at timestamptz,
        created_at timestamptz not null default now(),
        queued_at timestamptz,
        started_at timestamptz,
        finished_at timestamptz,
        last_heard_at timestamptz
      )`.execute(db)
    await sql`create index jobs_waiting on jobs (priority desc, queued_at, id) where state = 'queued'`.execute(db)
    await sql`create index jobs_trainer on jobs (trainer_name, id)`.execute(db)
    await sql`create index jobs_state on jobs (state, id)`.execute(db)
    await sql`
      create table attempts (
        job_id bigint not null references jobs (id) on delete cascade,
        attempt integer not null,
        last_seq bigint not null default 0,
        channel text check (channel in ('journal', 'simple')),
        launcher text,
        host text,
        launched_at timestamptz,
        heard_at timestamptz,
        last_heard_at timestamptz,
        stop_reason text,
        stop_requested_at timestamptz,
        closed_at timestamptz,
        end_reason text,
        error jsonb,
        exit_code integer,
        signal text,
        output_position jsonb not null default '{"stdout": 0, "stderr": 0}',
        log_lines integer not null default 0,
        dropped_lines integer not null default 0,
        cleaned_at timestamptz,
        created_at timestamptz not null default now(),
        primary key (job_id, attempt)
      )`.execute(db)
    await sql`create index attempts_alive on attempts (job_id, attempt)
      where launched_at is not null and cleaned_at is null`.execute(db)
    await sql`
      create table events (
        job_id bigint not null,
        attempt integer not null,
        seq bigint not null,
        type text not null,
        time timestamptz,
        received_at timestamptz not null default now(),
        body jsonb not null,
        rejected jsonb,
        primary key (job_id, attempt, seq),
        foreign key (job_id, attempt) references attempts on delete cascade
      )`.execute(db)
    // One series is one range of the primary key, even with a million points.
    await sql`
      create table metrics (
        job_id bigint not null,
        attempt integer not null,
        name text not null,
        axis text not null,
        step bigint not null,
        value double precision not null,
        time timestamptz not null,
        primary key (job_id, attempt, name, step)
      )`.execute(db)
    await sql`
      create table logs (
        id bigint generated always as identity primary key,
        job_id bigint not null,
        attempt integer not null,
        time timestamptz not null,
        level text not null,
        source text not null,
        message text not null
      )`.execute(db)
    await sql`create index logs_job on logs (job_id, id)`.execute(db)
    await sql`
      create table artifacts (
        id text primary key,
        job_id bigint not null references jobs (id),
        attempt integer not null,
        kind text not null,
        name text not null,
        size_bytes bigint not null,
        sha256 text not null,
        content_type text not null,
        epoch integer,
        metadata jsonb,
        storage_key text not null,
        upload_id text,
        position bigint,
        created_at timestamptz not null default now(),
        completed_at timestamptz
      )`.execute(db)
    await sql`create index artifacts_job on artifacts (job_id, position)`.execute(db)
  },
}
