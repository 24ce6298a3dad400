import type { ResourceSampleList } from '@trainyard/contract'
import { notFound } from '@trainyard/platform'
import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'

interface Row {
  at: Date
  cpu_cores: number | null
  memory_bytes: number | null
  gpu_percent: number | null
  gpu_memory_bytes: number | null
}

/** The samples of an attempt, in at most `points` groups of neighbours. */
export async function readSamples(
  context: RunnerContext,
  jobId: number,
  { attempt, points }: { attempt: number | undefined; points: number },
): Promise<ResourceSampleList> {
  const { db } = context.database
  const job = await db.selectFrom('jobs').select('attempt').where('id', '=', jobId).executeTakeFirst()
  if (job === undefined) throw notFound('job', jobId)
  const shown = attempt ?? job.attempt
  const found = await db
    .selectFrom('attempts')
    .select('cpu_seconds')
    .where('job_id', '=', jobId)
    .where('attempt', '=', shown)
    .executeTakeFirst()
  if (found === undefined) throw notFound('attempt', shown)
  const { rows } = await sql<Row>`
    select max(at) as at, avg(cpu_cores) as cpu_cores, max(memory_bytes) as memory_bytes, avg(gpu_percent) as gpu_percent,
      max(gpu_memory_bytes) as gpu_memory_bytes
    from (
      select *, ntile(${points}::int) over (order by at) as part from resource_samples
      where job_id = ${jobId} and attempt = ${shown}
    ) as parts
    group by part order by 1`.execute(db)
  return {
    attempt: shown,
    cpuSeconds: found.cpu_seconds ?? undefined,
    samples: rows.map((row) => ({
      time: row.at.toISOString(),
      cpuCores: row.cpu_cores ?? undefined,
      memoryBytes: row.memory_bytes ?? undefined,
      gpuPercent: row.gpu_percent ?? undefined,
      gpuMemoryBytes: row.gpu_memory_bytes ?? undefined,
    })),
  }
}
