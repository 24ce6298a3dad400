import type { UsageBy, UsageFigures, UsageReport } from '@trainyard/contract'
import { type Caller, isOperator, projectsFor, requireScope, TrainyardError } from '@trainyard/platform'
import { type RawBuilder, sql } from 'kysely'
import { chooseProject } from '../auth/choose-project.ts'
import type { RunnerContext } from '../context.ts'
import { costOf } from './cost-of.ts'

export interface UsageQuery {
  by: UsageBy
  /** `YYYY-MM-DD`. Default: the first day of the month of `to`. */
  from?: string | undefined
  /** Included. Default: today. */
  to?: string | undefined
  /** `organisation/project`. Default: all that the caller can see. */
  project?: string | undefined
  /** Of the whole installation, for operators. */
  all: boolean
}

const MAX_ROWS = 1000
const MAX_DAYS = 3660
const SECONDS_OF_MONTH = 730 * 3600

interface Row {
  key: string
  queue: string
  attempts: string
  run_seconds: number
  gpu_seconds: number
  cpu_seconds: number
  storage_byte_seconds: number
  uploaded_bytes: number
  downloaded_bytes: number
}

/** What was used, by day, person and so on, and what it costs. */
export async function readUsage(context: RunnerContext, caller: Caller, query: UsageQuery): Promise<UsageReport> {
  requireScope(caller, 'jobs:read')
  const { prices } = context.config
  const { from, to } = periodOf(query, context.clock.now())
  const projects = await projectsOf(context, caller, query)
  const found = await sql<Row>`
    select ${KEY_OF[query.by]} as key, queue, sum(attempts) as attempts, sum(run_seconds) as run_seconds,
      sum(gpu_seconds) as gpu_seconds, sum(cpu_seconds) as cpu_seconds,
      sum(storage_byte_seconds) as storage_byte_seconds, sum(uploaded_bytes) as uploaded_bytes,
      sum(downloaded_bytes) as downloaded_bytes
    from usage_days
    where project_id = any(${[...projects.keys()]}::text[]) and day between ${from}::date and ${to}::date
    group by 1, 2`.execute(context.database.db)
  const nameOf = (id: string) => {
    const project = projects.get(id)
    return query.by === 'organisation' ? project?.organisation : project?.name
  }
  const isOfProjects = query.by === 'organisation' || query.by === 'project'
  const rows = new Map<string, UsageFigures>()
  const total = nothing(prices !== undefined)
  for (const row of found.rows) {
    const key = isOfProjects ? (nameOf(row.key) ?? row.key) : row.key
    const figures = rows.get(key) ?? nothing(prices !== undefined)
    rows.set(key, figures)
    for (const sum of [figures, total]) add(sum, toFigures(row, prices && costOf(prices, row)))
  }
  const sorted = [...rows].sort(
    ([one, a], [other, b]) =>
      (query.by === 'day' ? 0 : (b.cost ?? 0) - (a.cost ?? 0) || b.gpuSeconds - a.gpuSeconds) || (one < other ? -1 : 1),
  )
  const shown = sorted.slice(0, MAX_ROWS)
  const names =
    query.by === 'person'
      ? await namesOf(
          context,
          shown.map(([key]) => key),
        )
      : undefined
  const mark = await context.database.db.selectFrom('usage_marks').select('at').executeTakeFirst()
  return {
    by: query.by,
    from,
    to,
    currency: prices?.currency,
    rows: shown.map(([key, figures]) => ({ key, name: names?.get(key), ...rounded(figures) })),
    rowsLeftOut: sorted.length - shown.length,
    total: rounded(total),
    countedUntil: mark?.at.toISOString(),
  }
}

const KEY_OF: Readonly<Record<UsageBy, RawBuilder<unknown>>> = {
  organisation: sql`project_id`,
  project: sql`project_id`,
  person: sql`person`,
  trainer: sql`trainer`,
  queue: sql`queue`,
  day: sql`day::text`,
}

function periodOf({ from, to }: UsageQuery, now: Date): { from: string; to: string } {
  const last = to ?? now.toISOString().slice(0, 10)
  const first = from ?? `${last.slice(0, 8)}01`
  const days = (Date.parse(last) - Date.parse(first)) / 86_400_000
  const refuse = (detail: string): never => {
    const issues = [{ path: 'from', detail, value: first }]
    throw new TrainyardError('unprocessable', `from ${detail}`, { issues })
  }
  if (days < 0) refuse(`must not be after "to", which is ${last}`)
  if (days > MAX_DAYS) refuse(`must be at most ${MAX_DAYS} days before "to", which is ${last}`)
  return { from: first, to: last }
}

/** The projects by id. */
async function projectsOf(context: RunnerContext, caller: Caller, { project, all }: UsageQuery) {
  const visible = projectsFor(caller, 'jobs:read').map(({ id, name, organisation }) => ({ id, name, organisation }))
  if (project !== undefined) {
    const one = chooseProject(caller, 'jobs:read', project)
    return new Map([[one.id, { name: one.name, organisation: one.organisation }]])
  }
  if (!all) return new Map(visible.map(({ id, ...names }) => [id, names]))
  if (!isOperator(caller))
    throw new TrainyardError('forbidden', 'Only an operator who is signed in can read the usage of all organisations')
  const rows = await context.identity.database.db
    .selectFrom('projects')
    .innerJoin('organisations', 'organisations.id', 'projects.organisation_id')
    .select(['projects.id', 'projects.slug as project', 'organisations.slug as organisation'])
    .execute()
  return new Map(
    rows.map(({ id, project: slug, organisation }) => [id, { name: `${organisation}/${slug}`, organisation }]),
  )
}

/** Names of accounts. */
async function namesOf({ identity }: RunnerContext, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await identity.database.db
    .selectFrom('accounts')
    .select(['id', 'display_name'])
    .where('id', 'in', ids)
    .execute()
  return new Map(rows.map(({ id, display_name: name }) => [id, name]))
}

function nothing(hasCost: boolean): UsageFigures {
  return {
    attempts: 0,
    runSeconds: 0,
    gpuSeconds: 0,
    cpuSeconds: 0,
    storageGbMonths: 0,
    uploadedBytes: 0,
    downloadedBytes: 0,
    cost: hasCost ? 0 : undefined,
  }
}

function toFigures(row: Row, cost: number | undefined): UsageFigures {
  return {
    attempts: Number(row.attempts),
    runSeconds: row.run_seconds,
    gpuSeconds: row.gpu_seconds,
    cpuSeconds: row.cpu_seconds,
    storageGbMonths: row.storage_byte_seconds / 1e9 / SECONDS_OF_MONTH,
    uploadedBytes: row.uploaded_bytes,
    downloadedBytes: row.downloaded_bytes,
    cost,
  }
}

function add(sum: UsageFigures, more: UsageFigures): void {
  sum.attempts += more.attempts
  sum.runSeconds += more.runSeconds
  sum.gpuSeconds += more.gpuSeconds
  sum.cpuSeconds += more.cpuSeconds
  sum.storageGbMonths += more.storageGbMonths
  sum.uploadedBytes += more.uploadedBytes
  sum.downloadedBytes += more.downloadedBytes
  if (sum.cost !== undefined) sum.cost += more.cost ?? 0
}

/** Without the noise of floating point. */
function rounded(figures: UsageFigures): UsageFigures {
  const to = (digits: number, value: number) => Number(value.toFixed(digits))
  return {
    ...figures,
    runSeconds: to(3, figures.runSeconds),
    gpuSeconds: to(3, figures.gpuSeconds),
    cpuSeconds: to(3, figures.cpuSeconds),
    storageGbMonths: to(6, figures.storageGbMonths),
    uploadedBytes: to(0, figures.uploadedBytes),
    downloadedBytes: to(0, figures.downloadedBytes),
    cost: figures.cost === undefined ? undefined : to(4, figures.cost),
  }
}
