import type { ArtifactList, Job } from '@trainyard/contract'
import { formatBytes } from '@trainyard/contract/format'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { formatMetric, STATE_STYLES } from '../../jobs/format-job.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { createPaint } from '../../terminal/paint.ts'
import { printJson, printTable } from '../../terminal/table.ts'
import { cleanText } from '../../terminal/text.ts'

interface ShowInput extends ServerValues {
  job: number
  json: boolean
}

export async function run({ job: id, json, ...server }: ShowInput, io: CliIo): Promise<number> {
  const client = await connect(server, io)
  const [job, { artifacts }] = await Promise.all([client.jobs.get(id), client.jobs.artifacts(id)])
  if (json) printJson(io, { job, artifacts })
  else {
    printJob(job, io)
    printArtifacts(job, artifacts, io)
  }
  return EXIT_CODES.ok
}

function printJob(job: Job, io: CliIo): void {
  const paint = createPaint(io.stdout, io.env)
  const { trainer, dataset, config, progress } = job
  const settings = Object.entries({ ...config.basic, ...config.advanced }).map(
    ([name, value]) => `${name}=${JSON.stringify(value)}`,
  )
  const metrics = Object.entries(job.latestMetrics).map(([name, value]) => `${name} ${formatMetric(value)}`)
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['reason', job.endReason],
    ['error', job.error?.message],
    ['done', `${Math.floor(progress.fraction * 100)} %, attempt ${job.attempt}`],
    ['trainer', `${trainer.name}@${trainer.version}, model ${job.model}`],
    ['operation', `${job.operation}, ${job.taskType}`],
    [
      'dataset',
      dataset && `${dataset.name} (${dataset.id}${dataset.version === undefined ? '' : `@${dataset.version}`})`,
    ],
    ['settings', settings.join(' ')],
    ['metrics', metrics.join('  ') || undefined],
    ['created', job.createdAt],
    ['finished', job.finishedAt],
    ['trace', job.traceId],
  ]
  io.stdout.write(
    `${paint('bold', `job ${job.id}`)} ${paint(STATE_STYLES[job.state], job.state)} ${cleanText(job.name ?? '')}\n`,
  )
  for (const [name, value] of rows)
    if (value !== undefined)
      io.stdout.write(`  ${name.padEnd(10)} ${cleanText(value).replaceAll('\n', '\n             ')}\n`)
}

function printArtifacts(job: Job, artifacts: ArtifactList['artifacts'], io: CliIo): void {
  if (artifacts.length === 0) return
  io.stdout.write('\n')
  printTable(io, [
    ['kind', 'file', 'size', 'attempt'],
    ...artifacts.map((one) => [one.kind, one.name, formatBytes(one.sizeBytes), String(one.attempt)]),
  ])
  io.stdout.write(`\nDownload them: trainyard artifacts pull ${job.id}\n`)
}
