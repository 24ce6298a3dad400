import type { ExperimentInfo, Line } from '../adapter.ts'

type Value = [time: string, line: string, metadata: Record<string, string>] | [time: string, line: string]

export interface PushBody {
  streams: { stream: Record<string, string>; values: Value[] }[]
}

/**
 * The body of `POST /loki/api/v1/push`. Each combination of level and source is a stream, 16 in total. Ids are not labels,
 * because Loki would keep an index for each. Times are in nanoseconds. The id of the line fills the digits below the
 * millisecond, so lines of one millisecond keep their order, and a repeated line is identical, so Loki drops it.
 */
export function pushBody(lines: readonly Line[], info: ExperimentInfo, structuredMetadata: boolean): PushBody {
  const streams = new Map<string, PushBody['streams'][number]>()
  const ids = {
    job: String(info.jobId),
    attempt: String(info.attempt),
    trainer: info.trainer.name,
    trace_id: info.traceId,
  }
  for (const line of lines) {
    const stream = { app: 'trainyard', level: line.level, source: line.source }
    const key = `${line.level} ${line.source}`
    const entry: PushBody['streams'][number] = streams.get(key) ?? { stream, values: [] }
    streams.set(key, entry)
    const time = String(BigInt(line.time.getTime()) * 1_000_000n + BigInt(line.id % 1_000_000))
    entry.values.push(
      structuredMetadata
        ? [time, line.message, ids]
        : [time, `job=${ids.job} attempt=${ids.attempt} trace_id=${ids.trace_id} ${line.message}`],
    )
  }
  return { streams: [...streams.values()] }
}
