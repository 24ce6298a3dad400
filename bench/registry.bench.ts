/**
 * Pushes and pulls beside Debian's `docker-registry` (distribution) on the same disk, in the shapes of `zb` (project-zot/zot):
 * layers of 1, 10 and 100 MB, pushed whole and as one streamed chunk, pulled, and mixed. Both are measured in turns.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '@trainyard/platform'
import { peakMegabytes } from './lib/mlflow.ts'
import { cpuSeconds, type RunningRegistry, startDistribution, startOurs } from './lib/registries.ts'
import { createBlob, RegistryClient } from './lib/registry-load.ts'
import { type Bench, type BenchRow, median } from './lib/report.ts'

const MB = 1024 * 1024
const CONNECTIONS = 4

type Kind = 'push' | 'push in a chunk' | 'pull' | 'three pulls, one push'

interface Shape {
  kind: Kind
  megabytes: number
  /** Images of one round. */
  images: number
}

const IMAGES: Readonly<Record<number, number>> = { 1: 200, 10: 60, 100: 12 }

const SHAPES: readonly Shape[] = (['push', 'push in a chunk', 'pull', 'three pulls, one push'] as const).flatMap(
  (kind) => Object.entries(IMAGES).map(([megabytes, images]) => ({ kind, megabytes: Number(megabytes), images })),
)

interface Figures {
  perSecond: number
  p99Ms: number
  cpuMsPerImage: number
}

/** One round: every connection takes the next image as soon as its last one is done. */
async function measure(registry: RunningRegistry & { pids: number[] }, shape: Shape): Promise<Figures> {
  const layer = createBlob(shape.megabytes * MB)
  const clients = Array.from({ length: CONNECTIONS }, () => new RegistryClient(registry))
  const [first] = clients
  if (first === undefined) throw new Error('no client')
  const held = await first.pushWhole(layer)
  const latencies: number[] = []
  let next = 0
  const work = async (client: RegistryClient, index: number) => {
    if (shape.kind === 'push') return await client.pushWhole(layer)
    if (shape.kind === 'push in a chunk') return await client.pushChunk(layer)
    return shape.kind === 'pull' || index % 4 !== 3 ? await client.pull(held) : await client.pushWhole(layer)
  }
  const cpu = () => registry.pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
  const cpuBefore = cpu()
  const begun = performance.now()
  await Promise.all(
    clients.map(async (client) => {
      while (next < shape.images) {
        const index = next++
        const started = performance.now()
        await work(client, index)
        latencies.push(performance.now() - started)
      }
    }),
  )
  const tookMs = performance.now() - begun
  const cpuMs = (cpu() - cpuBefore) * 1000
  for (const client of clients) client.close()
  latencies.sort((a, b) => a - b)
  return {
    perSecond: (shape.images * 1000) / tookMs,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN,
    cpuMsPerImage: cpuMs / shape.images,
  }
}

export const bench: Bench = async ({ small }) => {
  const dir = await mkdtemp(join(process.env.TRAINYARD_BENCH_DIR || tmpdir(), 'trainyard-bench-registry-'))
  const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres') })
  let mine: RunningRegistry | undefined
  let peer: RunningRegistry | undefined
  try {
    mine = await startOurs(postgres.url, join(dir, 'ours'))
    peer = small ? undefined : await startDistribution(join(dir, 'peer'))
    const ours = { ...mine, pids: [mine.pid, postgres.pid] }
    const theirs = peer && { ...peer, pids: [peer.pid] }
    const only = new RegExp(process.env.TRAINYARD_BENCH_ONLY ?? '')
    const rounds = small ? 1 : Number(process.env.TRAINYARD_BENCH_ROUNDS ?? 3)
    const shapes = small ? SHAPES.filter(({ megabytes }) => megabytes === 1) : SHAPES
    const rows: BenchRow[] = []
    for (const shape of shapes.map((each) => (small ? { ...each, images: 8 } : each))) {
      if (!only.test(`${shape.kind} ${shape.megabytes}`)) continue
      const all: { ours: Figures; theirs: Figures | undefined }[] = []
      for (let round = 0; round < rounds; round++) {
        all.push({ ours: await measure(ours, shape), theirs: theirs && (await measure(theirs, shape)) })
      }
      rows.push(...rowsOf(shape, all))
    }
    rows.push({
      what: 'peak memory of the server',
      ours: peakMegabytes(mine.pid),
      unit: 'MB',
      peer: peer && { name: 'distribution', value: peakMegabytes(peer.pid) },
      goal: 'for the record',
    })
    return [
      ...rows,
      { what: 'load of the machine at the end', ours: loadavg()[0] ?? 0, unit: '', goal: 'for the record' },
    ]
  } finally {
    await mine?.stop()
    await peer?.stop()
    await postgres.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

function rowsOf({ kind, megabytes }: Shape, rounds: { ours: Figures; theirs: Figures | undefined }[]): BenchRow[] {
  const what = `${kind}, ${megabytes} MB`
  const row = (name: string, key: keyof Figures, unit: string, goal: string): BenchRow => {
    const theirs = rounds.flatMap((round) => (round.theirs === undefined ? [] : [round.theirs[key]]))
    return {
      what: `${what}${name}`,
      ours: median(rounds.map((round) => round.ours[key])),
      unit,
      peer: theirs.length === 0 ? undefined : { name: 'distribution', value: median(theirs) },
      goal,
    }
  }
  return [
    row('', 'perSecond', 'images/s', 'ratio ≥ 1.0'),
    row(': p99', 'p99Ms', 'ms', 'ratio ≤ 1.0'),
    row(': CPU, PostgreSQL included', 'cpuMsPerImage', 'ms an image', 'ratio ≤ 1.0'),
  ]
}
