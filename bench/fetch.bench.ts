/**
 * Downloads a dataset from S3, compared with `rclone copy --transfers 32` and `aws s3 sync`. Needs an S3 server in the variables
 * (`S3_ENDPOINT`, `S3_BUCKET`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`); peers that are not
 * installed are skipped with a message. `TRAINYARD_BENCH_FILES`, `TRAINYARD_BENCH_LARGE_MB` and `TRAINYARD_BENCH_ROUNDS` change the size;
 * `TRAINYARD_BENCH_ONLY` is one of `files`, `large`, `faulty`. The large file needs three times its size on the disk.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createS3Store, type ObjectStore } from '@trainyard/platform'
import { encode } from 'fast-png'
import { forEachConcurrently } from '../packages/datasets/src/util/for-each-concurrently.ts'
import { createRandom } from '../packages/datasets/src/util/random.ts'
import { buildProgram } from '../scripts/lib/build-program.ts'
import { startFaultyProxy } from './lib/faulty-proxy.ts'
import { type Bench, type BenchRow, median } from './lib/report.ts'

interface StoredFile {
  path: string
  sizeBytes: number
  sha256: string
}

interface Run {
  seconds: number
  cpuSeconds: number
  output: string
}

const PNG = Buffer.from(encode({ width: 4, height: 4, channels: 1, depth: 8, data: new Uint8Array(16) }))
const setting = (name: string) => process.env[name] ?? ''

function createStore(endpoint = setting('S3_ENDPOINT')): ObjectStore {
  if (endpoint === '')
    throw new Error('S3_ENDPOINT is not set: this bench needs an S3 server (see the top of the file)')
  return createS3Store({
    endpoint,
    region: setting('AWS_REGION') || 'us-east-1',
    bucket: setting('S3_BUCKET'),
    accessKeyId: setting('AWS_ACCESS_KEY_ID'),
    secretAccessKey: setting('AWS_SECRET_ACCESS_KEY'),
    forcePathStyle: true,
  })
}

/** Uploads images of 5 to 200 kB, most of them small. The bytes are the same in every run. */
async function upload(store: ObjectStore, prefix: string, sizes: readonly number[]): Promise<StoredFile[]> {
  const random = createRandom(7)
  const noise = Buffer.from(Array.from({ length: 1 << 20 }, () => Math.floor(random() * 256)))
  const files: StoredFile[] = []
  await forEachConcurrently(sizes.entries(), 16, async ([number, sizeBytes]) => {
    const path = `images/${number}.png`
    const hash = createHash('sha256')
    const body = (async function* () {
      for (let sent = 0; sent < sizeBytes; ) {
        const first = sent === 0 ? PNG : Buffer.alloc(0)
        const length = Math.min(noise.length, sizeBytes - sent - first.length)
        const chunk = Buffer.concat([first, noise.subarray(0, length)])
        hash.update(chunk)
        sent += chunk.length
        yield chunk
      }
    })()
    await store.put(`${prefix}/${path}`, body, { contentType: 'image/png' })
    files.push({ path, sizeBytes, sha256: hash.digest('hex') })
  })
  return files
}

/** Serves the two routes of the contract that a fetch needs, with signed URLs of the store. */
async function serveDataset(store: ObjectStore, prefix: string, files: readonly StoredFile[]) {
  const annotations = Buffer.from(
    JSON.stringify({
      format_version: '1.0',
      task_type: 'classification',
      storage_info: { image_root: 'images' },
      classes: [{ id: 0, name: 'thing' }],
      images: files.map(({ path }, id) => ({
        id,
        file_name: path.replace('images/', ''),
        width: 4,
        height: 4,
        annotations: [{ id, image_id: id, class_id: 0, class_name: 'thing' }],
      })),
    }),
  )
  await store.put(`${prefix}/annotations.json`, annotations)
  const sign = (path: string) => store.signGet(`${prefix}/${path}`)
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    const start = Number(url.searchParams.get('cursor') ?? 0)
    const end = start + Number(url.searchParams.get('limit') ?? 1000)
    const answer = url.pathname.endsWith('/files')
      ? {
          files: await Promise.all(
            files.slice(start, end).map(async (file) => ({ ...file, ...(await sign(file.path)) })),
          ),
          nextCursor: end < files.length ? String(end) : undefined,
        }
      : {
          datasetId: 'bench',
          snapshotId: 'bench',
          versionHash: 'b'.repeat(64),
          name: 'bench',
          format: 'dice',
          taskType: 'classification',
          classes: [],
          counts: { images: 0, labelled: 0, annotations: 0, splits: { train: 0, val: 0, test: 0 } },
          annotationFiles: [
            {
              path: 'annotations.json',
              sizeBytes: annotations.length,
              sha256: createHash('sha256').update(annotations).digest('hex'),
              request: await sign('annotations.json'),
            },
          ],
        }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(answer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/jobs/1`, close: () => server.close() }
}

/** Runs a program. The shell measures its time and that of its children. */
async function timed(command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const child = spawn('bash', ['-c', 'TIMEFORMAT="TIME %R %U %S"; time "$@"', 'bash', ...command], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk))
  const [code] = (await once(child, 'close')) as [number]
  const [, seconds, user, system] = /TIME ([\d.]+) ([\d.]+) ([\d.]+)/.exec(errors) ?? []
  if (code !== 0 || seconds === undefined) throw new Error(`${command[0]} failed:\n${errors.slice(-2000)}`)
  return { seconds: Number(seconds), cpuSeconds: Number(user) + Number(system), output }
}

const isInstalled = (program: string) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0

function peers(
  prefix: string,
  endpoint: string,
): { name: string; command: (dir: string) => string[]; env: NodeJS.ProcessEnv }[] {
  const source = `${setting('S3_BUCKET')}/${prefix}`
  const rclone = {
    RCLONE_CONFIG_BENCH_TYPE: 's3',
    RCLONE_CONFIG_BENCH_PROVIDER: 'Minio',
    RCLONE_CONFIG_BENCH_ENDPOINT: endpoint,
    RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: setting('AWS_ACCESS_KEY_ID'),
    RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: setting('AWS_SECRET_ACCESS_KEY'),
    // Its HTTP client cannot handle this and fails.
    AWS_CA_BUNDLE: undefined,
  }
  const copy = (dir: string) => ['rclone', 'copy', '--transfers', '32', `bench:${source}`, dir]
  const all = [
    { name: 'rclone copy --transfers 32', program: 'rclone', command: copy, env: rclone },
    {
      // Ours verifies the SHA-256 of every file; rclone compares only the size of large files.
      name: 'rclone copy and sha256sum',
      program: 'rclone',
      command: (dir: string) => [
        'bash',
        '-c',
        '"$@" && find "$6" -type f -print0 | xargs -0 sha256sum >/dev/null',
        'bash',
        ...copy(dir),
      ],
      env: rclone,
    },
    {
      name: 'aws s3 sync',
      program: 'aws',
      command: (dir: string) => ['aws', '--endpoint-url', endpoint, 's3', 'sync', '--quiet', `s3://${source}`, dir],
      env: {},
    },
  ]
  const there = all.filter(({ program }) => isInstalled(program))
  for (const { name, program } of all)
    if (!isInstalled(program)) console.error(`skipped: ${name} (${program} is not installed)`)
  return there
}

async function compare(
  store: ObjectStore,
  what: string,
  sizes: readonly number[],
  rounds: number,
  /** The server that clients use. Default: the store. */
  endpoint = setting('S3_ENDPOINT'),
): Promise<BenchRow[]> {
  const prefix = `bench-fetch/${what.replaceAll(' ', '-')}`
  const work = mkdtempSync(join(tmpdir(), 'trainyard-bench-fetch-'))
  try {
    const files = await upload(store, prefix, sizes)
    const server = await serveDataset(createStore(endpoint), prefix, files)
    const folder = await buildProgram({ 'fetch-dataset': 'bench/lib/fetch-dataset.ts' }, join(work, 'program'))
    const program = join(folder, 'fetch-dataset.js')
    const ours = (dir: string) => timed([process.execPath, program, server.url, dir])
    const others = peers(prefix, endpoint).map((peer) => ({ ...peer, runs: [] as Run[] }))
    const cold: Run[] = []
    const hits: number[] = []
    // Interleaved, so that other load on the machine affects all of them.
    for (let round = 0; round < rounds; round++) {
      const dir = join(work, `ours-${round}`)
      cold.push(await ours(dir))
      hits.push(Number((await ours(dir)).output))
      removeReadOnly(dir)
      for (const peer of others) {
        const target = join(work, `peer-${round}`)
        try {
          const run = await timed(peer.command(target), peer.env)
          const brought = readdirSync(target, { recursive: true, withFileTypes: true }).filter((item) => item.isFile())
          if (brought.length !== files.length + 1) {
            throw new Error(`${peer.name} brought ${brought.length} of ${files.length + 1} files`)
          }
          peer.runs.push(run)
        } catch (error) {
          // With a faulty server this is a result.
          console.error(`without figures: ${peer.name}: ${String(error)}`)
        }
        rmSync(target, { recursive: true, force: true })
      }
    }
    server.close()
    const seconds = median(cold.map((run) => run.seconds))
    const cpuSeconds = median(cold.map((run) => run.cpuSeconds))
    const withFigures = others.filter(({ runs }) => runs.length > 0)
    const alone = withFigures.length === 0 ? [undefined] : withFigures
    return [
      ...alone.flatMap((peer): BenchRow[] => {
        const peerOf = (values: number[]) =>
          peer === undefined ? undefined : { name: peer.name, value: median(values) }
        const wall = peer?.runs.map((run) => run.seconds) ?? []
        const cpu = peer?.runs.map((run) => run.cpuSeconds) ?? []
        return [
          { what: `${what}: cold`, ours: seconds, unit: 's', peer: peerOf(wall), goal: 'ratio ≤ 1' },
          { what: `${what}: CPU`, ours: cpuSeconds, unit: 's', peer: peerOf(cpu), goal: 'ratio ≤ 1' },
        ]
      }),
      { what: `${what}: cache hit`, ours: median(hits), unit: 'ms', goal: '≤ 50 ms' },
    ]
  } finally {
    removeReadOnly(work)
    await store.deletePrefix(`${prefix}/`)
  }
}

function removeReadOnly(dir: string): void {
  spawnSync('chmod', ['-R', 'u+w', dir])
  rmSync(dir, { recursive: true, force: true })
}

async function compareOverFaults(store: ObjectStore, sizes: readonly number[], rounds: number): Promise<BenchRow[]> {
  const proxy = await startFaultyProxy(setting('S3_ENDPOINT'))
  try {
    return await compare(store, `${sizes.length} files from a faulty server`, sizes, rounds, proxy.url)
  } finally {
    console.error(`faults: ${proxy.count()}`)
    proxy.close()
  }
}

export const bench: Bench = async ({ small }) => {
  const store = createStore()
  const count = Number(process.env.TRAINYARD_BENCH_FILES ?? (small ? 200 : 20_000))
  const largeMb = Number(process.env.TRAINYARD_BENCH_LARGE_MB ?? (small ? 8 : 4000))
  const rounds = Number(process.env.TRAINYARD_BENCH_ROUNDS ?? (small ? 1 : 3))
  const random = createRandom(1)
  const sizes = Array.from({ length: count }, () => Math.round(5000 * 40 ** random()))
  const parts = {
    files: () => compare(store, `${count} files of 5-200 kB`, sizes, rounds),
    large: () => compare(store, `one file of ${largeMb} MB`, [largeMb * 1e6], rounds),
    // A tenth of the files, and a large one that is downloaded in ranges.
    faulty: () => compareOverFaults(store, [...sizes.slice(0, count / 10), small ? 1e6 : 200e6], rounds),
  }
  const only = setting('TRAINYARD_BENCH_ONLY')
  const rows: BenchRow[] = []
  for (const [name, run] of Object.entries(parts)) if (only === '' || only === name) rows.push(...(await run()))
  return rows
}
