import type { JobState, JobSummary } from '@trainyard/contract'
import { formatDuration } from '@trainyard/contract/format'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { formatMetric } from '../../jobs/format-job.ts'
import { collectPages } from '../../server/collect-pages.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson, printTable } from '../../terminal/table.ts'

interface ListInput extends ServerValues {
  state: JobState | undefined
  trainer: string | undefined
  limit: number
  json: boolean
}

export async function run({ state, trainer, limit, json, ...server }: ListInput, io: CliIo): Promise<number> {
  const client = await connect(server, io)
  const { items: jobs, more } = await collectPages(limit, async (cursor, missing) => {
    const page = await client.jobs.list({ state, trainer, cursor, limit: Math.min(missing, 200) })
    return { items: page.jobs, nextCursor: page.nextCursor }
  })
  if (json) printJson(io, { jobs, more })
  else if (jobs.length === 0) io.stdout.write('No jobs. Start one: trainyard run --help\n')
  else
    printTable(io, [
      ['job', 'state', 'done', 'trainer', 'name', 'metric', 'age'],
      ...jobs.map((job) => [
        String(job.id),
        job.state,
        `${Math.floor(job.progress.fraction * 100)} %`,
        `${job.trainer.name}@${job.trainer.version}`,
        job.name ?? '',
        primaryMetricOf(job),
        formatDuration(Date.now() - new Date(job.createdAt).getTime()),
      ]),
    ])
  if (more && !json) io.stderr.write(`More jobs exist; --limit shows more than ${limit}\n`)
  return EXIT_CODES.ok
}

function primaryMetricOf({ latestMetrics, primaryMetric }: JobSummary): string {
  const value = latestMetrics[primaryMetric.name]
  return value === undefined ? '' : `${primaryMetric.name} ${formatMetric(value)}`
}
