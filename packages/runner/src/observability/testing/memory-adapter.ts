import type {
  ArtifactInfo,
  BackendName,
  ExperimentEnd,
  ExperimentInfo,
  Line,
  ObservabilityAdapter,
  Point,
} from '../adapter.ts'

export interface Told {
  info: ExperimentInfo
  starts: number
  params: number
  points: Point[]
  artifacts: ArtifactInfo[]
  lines: Line[]
  end?: ExperimentEnd
}

/** A backend in memory, which can be made to misbehave: `before` is awaited at the beginning of every call. */
export function memoryAdapter(name: BackendName, before: (signal: AbortSignal) => Promise<void> = async () => {}) {
  const told = new Map<string, Told>()
  let underWay = 0
  let mostAtATime = 0
  const call = async <T>(signal: AbortSignal, work: () => T): Promise<T> => {
    underWay++
    mostAtATime = Math.max(mostAtATime, underWay)
    try {
      await before(signal)
      return work()
    } finally {
      underWay--
    }
  }
  const of = (key: unknown): Told => {
    const found = told.get(String(key))
    if (found === undefined) throw new Error(`nobody started ${String(key)}`)
    return found
  }
  const adapter: ObservabilityAdapter = {
    name,
    takes: { metrics: true, artifacts: true, lines: true },
    start: async (info, signal) =>
      await call(signal, () => {
        const known = told.get(info.key)
        if (known === undefined)
          told.set(info.key, { info, starts: 1, params: 0, points: [], artifacts: [], lines: [] })
        else known.starts++
        return { key: info.key }
      }),
    logParams: async ({ key }, _info, signal) => await call(signal, () => void of(key).params++),
    logMetrics: async ({ key }, points, signal) => await call(signal, () => void of(key).points.push(...points)),
    logArtifact: async ({ key }, artifact, signal) => await call(signal, () => void of(key).artifacts.push(artifact)),
    logLines: async ({ key }, lines, _info, signal) => await call(signal, () => void of(key).lines.push(...lines)),
    finish: async ({ key }, end, _info, signal) =>
      await call(signal, () => {
        of(key).end = end
        return undefined
      }),
    link: ({ key }) => `http://memory.test/${String(key)}`,
  }
  return { adapter, told, mostAtATime: () => mostAtATime }
}
