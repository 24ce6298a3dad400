import type { TrainyardClient } from '@trainyard/client'
import type { Job, LiveMessage, MetricValue } from '@trainyard/contract'
import { formatBar } from '@trainyard/contract/format'
import type { Terminal } from '../lib/terminal.ts'

/** Follows a job until it ends: a progress bar on a terminal, one line per epoch elsewhere. Returns the final job. */
export async function followJob(client: TrainyardClient, id: number, terminal: Terminal): Promise<Job> {
  const latest = new Map<string, MetricValue>()
  let job: Job | undefined
  let epochTold = 0
  let lastLine = 0
  for await (const message of client.jobs.live(id)) {
    job = take(message, job, latest)
    if (job === undefined) continue
    terminal.status(statusLine(job, latest, terminal.columns))
    const epoch = job.progress.epoch ?? 0
    if (!terminal.interactive && epoch > epochTold) {
      epochTold = epoch
      terminal.line(`  ${statusLine(job, latest, 200)}`)
    }
    if (message.type === 'logs' || message.type === 'snapshot') {
      for (const line of message.type === 'logs' ? message.lines : message.logs) {
        // After a lost connection, a snapshot repeats lines.
        if (line.id <= lastLine) continue
        lastLine = line.id
        if (line.level === 'warning' || line.level === 'error') terminal.line(`  ${line.level}: ${line.message}`)
      }
    }
  }
  terminal.clearStatus()
  return client.jobs.get(id)
}

function take(message: LiveMessage, job: Job | undefined, latest: Map<string, MetricValue>): Job | undefined {
  switch (message.type) {
    case 'snapshot':
      for (const [name, value] of Object.entries(message.job.latestMetrics)) latest.set(name, value)
      return message.job
    case 'job':
      for (const [name, value] of Object.entries(message.job.latestMetrics)) latest.set(name, value)
      return message.job
    case 'metrics':
      for (const point of message.points) latest.set(point.name, point.value)
      return job
    default:
      return job
  }
}

const SHOWN = ['loss', 'accuracy', 'val_accuracy'] as const

function statusLine(job: Job, latest: ReadonlyMap<string, MetricValue>, columns: number): string {
  const { fraction, epoch, totalEpochs } = job.progress
  const percent = `${Math.round(fraction * 100)}%`.padStart(4)
  const epochs = totalEpochs === undefined ? job.state : `epoch ${epoch ?? 0}/${totalEpochs}`
  const metrics = SHOWN.flatMap((name) => {
    const value = latest.get(name)
    return value === undefined ? [] : [`${name} ${typeof value === 'number' ? value.toFixed(4) : value}`]
  })
  const text = [percent, epochs, ...metrics].join('  ')
  const width = Math.min(40, columns - text.length - 4)
  return width < 8 ? text : `${formatBar(fraction, width)} ${text}`
}
