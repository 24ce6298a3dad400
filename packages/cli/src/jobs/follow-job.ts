import type { TrainyardClient } from '@trainyard/client'
import type { Job, LiveMessage, MetricValue } from '@trainyard/contract'
import { formatBytes } from '@trainyard/contract/format'
import type { CliIo } from '../command-line/io.ts'
import { createPaint, type Paint } from '../terminal/paint.ts'
import { StatusLine } from '../terminal/status-line.ts'
import { cleanText } from '../terminal/text.ts'
import { formatLogLine, formatStatus } from './format-job.ts'

export interface FollowJobOptions {
  client: TrainyardClient
  id: number
  io: CliIo
  signal: AbortSignal
  /** Print nothing. */
  silent: boolean
}

/**
 * Follows a job to its end and shows its progress, warnings, errors and artifacts. Resolves with the last state of the
 * job, which is not final if `signal` was aborted.
 */
export async function followJob({ client, id, io, signal, silent }: FollowJobOptions): Promise<Job> {
  const view = new JobView(io)
  let job: Job | undefined
  try {
    for await (const message of client.jobs.live(id, { signal })) {
      if (message.type === 'snapshot' || message.type === 'job') job = message.job
      if (!silent) view.show(message)
    }
  } finally {
    view.clear()
  }
  return signal.aborted && job !== undefined ? job : await client.jobs.get(id)
}

/** A status line that is redrawn on a terminal, a line per epoch elsewhere; above it log lines and artifacts. */
class JobView {
  readonly #status: StatusLine
  readonly #paint: Paint
  readonly #latest = new Map<string, MetricValue>()
  #job: Job | undefined
  #printedEpoch = -1
  #printedState: Job['state'] | undefined
  /** Undefined before the first snapshot. */
  #lastLine: number | undefined

  constructor(io: CliIo) {
    this.#status = new StatusLine(io.stderr)
    this.#paint = createPaint(io.stderr, io.env)
  }

  show(message: LiveMessage): void {
    switch (message.type) {
      case 'snapshot':
        this.#take(message.job)
        // After a lost connection, a snapshot may start later than the last line that was shown.
        if (this.#lastLine !== undefined && (message.previousLogId ?? 0) > this.#lastLine)
          this.#status.print(this.#paint('dim', `lines are missing here; see: trainyard jobs logs ${message.job.id}`))
        this.#printLogs(message.logs)
        break
      case 'job':
        this.#take(message.job)
        break
      case 'metrics':
        for (const { name, value } of message.points) this.#latest.set(name, value)
        break
      case 'logs':
        this.#printLogs(message.lines)
        break
      case 'artifact': {
        const { kind, name, sizeBytes } = message.artifact
        this.#status.print(`${this.#paint('green', kind)} ${cleanText(name)} ${formatBytes(sizeBytes)}`)
      }
    }
    if (this.#job !== undefined) this.#drawStatus(this.#job)
  }

  clear(): void {
    this.#status.clear()
  }

  #take(job: Job): void {
    this.#job = job
    for (const [name, value] of Object.entries(job.latestMetrics)) this.#latest.set(name, value)
  }

  #printLogs(lines: Extract<LiveMessage, { type: 'logs' }>['lines']): void {
    for (const line of lines) {
      const isNew = line.id > (this.#lastLine ?? 0)
      if (isNew && (line.level === 'warning' || line.level === 'error'))
        this.#status.print(formatLogLine(line, this.#paint))
    }
    this.#lastLine = Math.max(this.#lastLine ?? 0, lines.at(-1)?.id ?? 0)
  }

  #drawStatus(job: Job): void {
    const now = new Date()
    if (this.#status.isTerminal) {
      this.#status.draw(formatStatus(job, this.#latest, { now, columns: this.#status.columns }))
      return
    }
    const epoch = job.progress.epoch ?? -1
    if (epoch > this.#printedEpoch || job.state !== this.#printedState)
      this.#status.print(formatStatus(job, this.#latest, { now, columns: 200 }))
    this.#printedEpoch = epoch
    this.#printedState = job.state
  }
}
