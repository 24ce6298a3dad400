import type {
  ArtifactInfo,
  BackendName,
  ExperimentEnd,
  ExperimentInfo,
  Line,
  ObservabilityAdapter,
  Point,
} from '../adapter.ts'

/** Everything that was sent for one experiment. */
export interface SentExperiment {
  info: ExperimentInfo
  /** Number of calls. */
  starts: number
  /** Number of calls. */
  params: number
  points: Point[]
  artifacts: ArtifactInfo[]
  lines: Line[]
  end?: ExperimentEnd | undefined
}

/** A backend in memory. `before` runs at the beginning of every call, and can delay or fail it. */
export function memoryAdapter(name: BackendName, before: (signal: AbortSignal) => Promise<void> = async () => {}) {
  const sent = new Map<string, SentExperiment>()
  let inProgress = 0
  let maxConcurrency = 0
  const call = async <T>(signal: AbortSignal, work: () => T): Promise<T> => {
    inProgress++
    maxConcurrency = Math.max(maxConcurrency, inProgress)
    try {
      await before(signal)
      return work()
    } finally {
      inProgress--
    }
  }
  const get = (key: unknown): SentExperiment => {
    const experiment = sent.get(String(key))
    if (experiment === undefined) throw new Error(`the experiment ${String(key)} was not started`)
    return experiment
  }
  const adapter: ObservabilityAdapter = {
    name,
    takes: { metrics: true, artifacts: true, lines: true },
    start: async (info, signal) =>
      await call(signal, () => {
        const known = sent.get(info.key)
        if (known === undefined)
          sent.set(info.key, { info, starts: 1, params: 0, points: [], artifacts: [], lines: [] })
        else known.starts++
        return { key: info.key }
      }),
    logParams: async ({ key }, _info, signal) => await call(signal, () => void get(key).params++),
    logMetrics: async ({ key }, points, signal) => await call(signal, () => void get(key).points.push(...points)),
    logArtifact: async ({ key }, artifact, signal) => await call(signal, () => void get(key).artifacts.push(artifact)),
    logLines: async ({ key }, lines, _info, signal) => await call(signal, () => void get(key).lines.push(...lines)),
    finish: async ({ key }, end, _info, signal) =>
      await call(signal, () => {
        get(key).end = end
        return undefined
      }),
    link: ({ key }) => `http://memory.test/${String(key)}`,
  }
  return { adapter, sent, maxConcurrency: () => maxConcurrency }
}
