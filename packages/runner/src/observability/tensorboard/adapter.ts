import { join } from 'node:path'
import { z } from 'zod'
import type { ExperimentInfo, Handle, ObservabilityAdapter } from '../adapter.ts'
import type { TensorboardConfig } from './config.ts'
import { appendRecords, createEventFile, type EventFile } from './event-file.ts'
import { hparamsEnd, hparamsStart, scalar, text } from './events.ts'

const File = z.object({ dir: z.string(), file: z.string(), bytes: z.number() })

/** Writes event files for TensorBoard, in one folder for each attempt. */
export function createTensorboardAdapter(config: TensorboardConfig): ObservabilityAdapter {
  const append = async (handle: Handle, events: readonly Uint8Array[], time: Date): Promise<EventFile> =>
    await appendRecords(File.parse(handle), events, time)
  return {
    name: 'tensorboard',
    takes: { metrics: true, artifacts: true, lines: false },
    start: async (info) =>
      await createEventFile(
        join(config.dir, String(info.jobId), String(info.attempt)),
        0,
        info.launchedAt ?? info.createdAt,
      ),
    logParams: async (handle, info) => {
      const time = info.launchedAt ?? info.createdAt
      return await append(handle, [hparamsStart(info, time), text('job', describe(info), time)], time)
    },
    logMetrics: async (handle, points) => await append(handle, points.map(scalar), points[0]?.time ?? new Date(0)),
    logArtifact: async (handle, artifact) => {
      const markdown = `[${artifact.name}](${artifact.url}) – ${artifact.sizeBytes} bytes, sha256 ${artifact.sha256}`
      const event = text(`artifacts/${artifact.kind}/${artifact.name}`, markdown, artifact.createdAt)
      return await append(handle, [event], artifact.createdAt)
    },
    logLines: async () => undefined,
    finish: async (handle, end) => {
      const reason = end.message === undefined ? end.reason : `${end.reason}: ${end.message}`
      return await append(handle, [hparamsEnd(end), text('end', reason, end.finishedAt)], end.finishedAt)
    },
    link: () => config.url,
  }
}

function describe(info: ExperimentInfo): string {
  const rows: [string, unknown][] = [
    ['job', `[${info.name}](${info.jobUrl})`],
    ['trainer', `${info.trainer.name}@${info.trainer.version}`],
    ['operation', info.operation],
    ['model', info.model],
    ...Object.entries(info.params),
  ]
  return ['| setting | value |', '|---|---|', ...rows.map(([key, value]) => `| ${key} | ${String(value)} |`)].join('\n')
}
