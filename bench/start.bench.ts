/**
 * From submitting a job to the first event of its trainer, as a process and as a container, beside the same program
 * started bare. In turns, so that a noisy neighbour disturbs both alike.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ResolvedTrainer, TrainerManifest } from '@trainyard/contract'
import { startEmbeddedPostgres } from '@trainyard/platform'
import { readDockerConfig } from '../packages/runner/src/launchers/docker/config.ts'
import { connectEngine, readEngineInfo } from '../packages/runner/src/launchers/docker/engine.ts'
import { type Harness, startHarness } from '../packages/runner/src/testing/harness.ts'
import { FIRST_EVENT_PROGRAM } from './lib/first-event.ts'
import type { Bench, BenchRow } from './lib/report.ts'
import { median } from './lib/report.ts'

const IMAGE = 'node:24-bookworm-slim'
const NETWORK = `trainyard-bench-${process.pid}`
const IN_NETWORK = `
  network=$1; shift
  docker network create "$network" >/dev/null && docker run --rm --network "$network" "$@"
  docker network rm "$network" >/dev/null`
const ARGV = ['node', '-e', FIRST_EVENT_PROGRAM]

/** How trainers are started, and the same by hand; `host` is an address that both reach. */
interface Way {
  launcher: 'subprocess' | 'docker'
  host: string
  image?: string
  peers: { name: string; command: (url: string) => string[]; goal?: string }[]
}

const environmentOf = (url: string): string[] => [
  `CALLBACK_URL=${url}/v1/jobs/1`,
  'CALLBACK_TOKEN=none',
  'JOB_ATTEMPT=1',
]

async function ways(): Promise<Way[]> {
  const subprocess: Way = {
    launcher: 'subprocess',
    host: '127.0.0.1',
    peers: [
      {
        name: 'bare process',
        command: (url) => ['env', ...environmentOf(url), ...ARGV],
        goal: 'ours − peer ≤ 300 ms',
      },
    ],
  }
  const config = readDockerConfig(process.env)
  const docker = connectEngine(config)
  const image = await docker
    .getImage(IMAGE)
    .inspect()
    .catch(() => undefined)
  const gateway = image && (await readEngineInfo(docker, config.host)).gateway
  if (image === undefined || gateway === undefined) {
    console.error(`skipped: containers (they need a Docker engine on this machine that holds ${IMAGE})`)
    return [subprocess]
  }
  const inContainer = (url: string) => environmentOf(url).flatMap((one) => ['--env', one])
  return [
    subprocess,
    {
      launcher: 'docker',
      host: gateway,
      image: image.Id,
      peers: [
        {
          name: 'docker run',
          command: (url) => ['docker', 'run', '--rm', ...inContainer(url), image.Id, ...ARGV],
          goal: 'ours − peer ≤ 150 ms',
        },
        {
          // What a trainer has that a bare `docker run` has not: a network of its own.
          name: 'docker network create, docker run in it',
          command: (url) => ['sh', '-c', IN_NETWORK, 'sh', NETWORK, ...inContainer(url), image.Id, ...ARGV],
        },
      ],
    },
  ]
}

function trainerOf(image: string | undefined): ResolvedTrainer {
  const digest = `sha256:${'a'.repeat(64)}`
  const manifest = TrainerManifest.parse({
    name: 'acme/first',
    version: '1.0.0',
    displayName: 'First event',
    description: 'Sends one event',
    license: 'Apache-2.0',
    authors: ['Trainyard'],
    contract: '1',
    framework: 'none',
    entrypoints: { train: ARGV },
    models: [{ name: 'tiny', taskTypes: ['classification'] }],
    taskTypes: ['classification'],
    datasetFormats: ['imagefolder'],
    metrics: { primary: { classification: { name: 'accuracy', goal: 'maximize' } } },
  })
  const { name, version } = manifest
  return {
    name,
    version,
    digest,
    manifest,
    image: image === undefined ? undefined : { reference: image, digest: image },
  }
}

async function measure(way: Way, rounds: number, dir: string): Promise<BenchRow[]> {
  const harness = await startHarness({
    host: way.host,
    start: true,
    // As people run it: the harness looks oftener.
    config: { launcher: way.launcher, maxConcurrentJobs: 1, limits: { reconcileIntervalMs: 1000 } },
    runner: { trainers: { resolve: async () => trainerOf(way.image), fetchBundle: async () => ({ dir }) } },
  })
  try {
    const ours: number[] = []
    const peers = way.peers.map(() => [] as number[])
    for (let round = 0; round <= rounds; round++) {
      const our = await untilFirstEvent(harness)
      const theirs: number[] = []
      for (const peer of way.peers) theirs.push(await untilRequest(way.host, peer.command))
      // The first of each is warmer: caches of files and images.
      if (round === 0) continue
      ours.push(our)
      for (const [index, time] of theirs.entries()) peers[index]?.push(time)
    }
    return way.peers.map(({ name, goal }, index) => ({
      what: `submit → first event, ${way.launcher}`,
      ours: median(ours),
      unit: 'ms',
      peer: { name, value: median(peers[index] ?? []) },
      goal: goal ?? '–',
    }))
  } finally {
    await harness.close()
  }
}

/** Until the event is stored and acknowledged. The next job waits until this one is gone. */
async function untilFirstEvent(harness: Harness): Promise<number> {
  const begun = performance.now()
  const { id } = await harness.createJob({ trainer: 'acme/first' })
  const { db } = harness.runner.context.database
  let milliseconds = Number.NaN
  for (;;) {
    const attempt = await db
      .selectFrom('attempts')
      .select(['heard_at', 'cleaned_at'])
      .where('job_id', '=', id)
      .executeTakeFirst()
    if (Number.isNaN(milliseconds) && attempt?.heard_at) milliseconds = performance.now() - begun
    if (attempt?.cleaned_at) return milliseconds
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Until the same request of the same program arrives. */
async function untilRequest(host: string, commandFor: (url: string) => string[]): Promise<number> {
  const arrived = Promise.withResolvers<number>()
  const server = createServer((_request, response) => {
    arrived.resolve(performance.now())
    response.end('{}')
  })
  server.listen(0, host)
  await new Promise((resolve) => server.once('listening', resolve))
  const [command = '', ...args] = commandFor(`http://${host}:${(server.address() as AddressInfo).port}`)
  const begun = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  void ended.then(() => arrived.reject(new Error(`${command} ended without its request`)))
  const milliseconds = (await arrived.promise) - begun
  await ended
  server.close()
  return milliseconds
}

export const bench: Bench = async ({ small }) => {
  const work = mkdtempSync(join(tmpdir(), 'trainyard-bench-start-'))
  const postgres =
    process.env.TEST_DATABASE_URL === undefined
      ? await startEmbeddedPostgres({ dataDir: join(work, 'postgres') })
      : undefined
  if (postgres !== undefined) process.env.TEST_DATABASE_URL = postgres.url
  try {
    const rows: BenchRow[] = []
    for (const way of await ways()) rows.push(...(await measure(way, small ? 1 : 15, work)))
    return rows
  } finally {
    await postgres?.stop()
    rmSync(work, { recursive: true, force: true })
  }
}
