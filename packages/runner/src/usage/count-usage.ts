import type { RunnerContext } from '../context.ts'
import type { UsageSum } from './usage-sums.ts'

/** Adds what was counted to the metrics, in the background: they are a copy, and must not fail what they measure. */
export function countUsage(context: Pick<RunnerContext, 'identity' | 'telemetry' | 'logger'>, sums: UsageSum[]): void {
  if (sums.length === 0) return
  count(context, sums).catch((error: unknown) => context.logger.warn({ err: error }, 'usage is missing in the metrics'))
}

async function count(context: Pick<RunnerContext, 'identity' | 'telemetry'>, sums: UsageSum[]): Promise<void> {
  const { usage } = context.telemetry
  const projects = await context.identity.database.db
    .selectFrom('projects')
    .innerJoin('organisations', 'organisations.id', 'projects.organisation_id')
    .select(['projects.id', 'organisations.slug'])
    .where(
      'projects.id',
      'in',
      sums.map((sum) => sum.project_id),
    )
    .execute()
  const slugs = new Map(projects.map(({ id, slug }) => [id, slug]))
  for (const sum of sums) {
    const organisation = slugs.get(sum.project_id) ?? 'unknown'
    usage.gpuSeconds.inc({ organisation }, sum.gpu_seconds)
    usage.cpuSeconds.inc({ organisation }, sum.cpu_seconds)
    usage.storage.inc({ organisation }, sum.storage_byte_seconds)
    usage.transfers.inc({ organisation, direction: 'up' }, sum.uploaded_bytes)
    usage.transfers.inc({ organisation, direction: 'down' }, sum.downloaded_bytes)
  }
}
