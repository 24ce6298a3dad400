import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  createFolderStore,
  type Database,
  openDatabase,
  type SupervisedPostgres,
  superviseEmbeddedPostgres,
} from '@trainyard/platform'
import { insertFiles } from '../../datasets/testing/insert-files.ts'
import type { RunnerDatabase } from '../../db/schema/index.ts'
import type { ChaosLauncher } from './chaos-launcher.ts'
import type { ChaosRunnerSettings } from './chaos-runner.ts'
import { startProxy, type TcpProxy } from './proxy.ts'
import { DATASET_ID, SCHEMA, seedDatabase } from './seed-database.ts'
import { startWitness, type Witness } from './witness.ts'

const SCRIPT = fileURLToPath(new URL('./chaos-runner.ts', import.meta.url))
const REPLICAS = 2
const RESTART_MS = 60_000

interface Replica {
  process: ChildProcess
  port: number | undefined
  trainersPort: number | undefined
}

interface StageParts {
  dir: string
  launcher: ChaosLauncher
  witness: Witness
  proxies: readonly TcpProxy[]
  /** Of the replicas. */
  settings: ChaosRunnerSettings
  /** Undefined while a replica has not been started yet. */
  replicas: (Replica | undefined)[]
  /** Started again by its supervisor. */
  postgres: SupervisedPostgres
}

/** Two replicas behind one address, and their PostgreSQL behind another. Each can be killed and started again. */
export class Stage {
  readonly dir: string
  readonly url: string
  readonly witness: Witness
  instanceId = ''
  readonly #parts: StageParts

  constructor(parts: StageParts) {
    this.dir = parts.dir
    this.url = parts.settings.publicUrl
    this.witness = parts.witness
    this.#parts = parts
  }

  async killReplica(index: number): Promise<void> {
    const replica = this.#parts.replicas[index]
    if (replica === undefined) return
    replica.port = undefined
    replica.trainersPort = undefined
    if (replica.process.exitCode !== null || replica.process.signalCode !== null) return
    const exited = once(replica.process, 'exit')
    replica.process.kill('SIGKILL')
    await exited
  }

  /** Resolves before the replica answers. That can take until the database runs; until then the other replica answers. */
  async startReplica(index: number): Promise<void> {
    const args = ['--conditions=trainyard-source', SCRIPT, JSON.stringify(this.#parts.settings)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const replica: Replica = { process: child, port: undefined, trainersPort: undefined }
    this.#parts.replicas[index] = replica
    if (child.stdout === null) throw new Error('the replica has no stdout')
    createInterface(child.stdout).once('line', (line) => {
      if (child.signalCode !== null) return
      const [port, trainersPort] = line.split(' ').map(Number)
      replica.port = port
      replica.trainersPort = trainersPort
    })
  }

  /** Returns what waits until the supervisor has started the next server. */
  killDatabase(signal: NodeJS.Signals): () => Promise<void> {
    const { postgres } = this.#parts
    const { pid } = postgres
    process.kill(pid, signal)
    const endsAt = performance.now() + RESTART_MS
    return async () => {
      while (postgres.pid === pid) {
        if (performance.now() > endsAt) throw new Error(`PostgreSQL was not started again after ${signal}`)
        await sleep(20)
      }
    }
  }

  /** Adds images to the dataset, so that the check of its files takes time. */
  async addFiles(count: number): Promise<void> {
    const { dir, settings } = this.#parts
    const store = createFolderStore({ dir: join(dir, 'store'), publicUrl: this.url, secret: settings.secret })
    const paths = Array.from({ length: count }, (_, index) => `images/${index}.png`)
    for (const path of paths)
      await store.put(`datasets/${DATASET_ID}/${path}`, Buffer.from('an image'), { contentType: 'image/png' })
    const database = await this.openDatabase()
    await insertFiles({ db: database.db, schema: SCHEMA }, DATASET_ID, { paths, sizeBytes: 'an image'.length })
    await database.close()
  }

  /** For inspection, while nothing is being killed. */
  async openDatabase(): Promise<Database<RunnerDatabase>> {
    const { databaseUrl } = this.#parts.settings
    return await openDatabase<RunnerDatabase>({ url: databaseUrl, schema: `${SCHEMA}_look`, migrations: {} })
  }

  /** Starts the replicas one after the other, so that only one creates the schema. */
  async start(): Promise<void> {
    for (let index = 0; index < REPLICAS; index++) {
      await this.startReplica(index)
      while (this.#parts.replicas[index]?.port === undefined) await sleep(50)
    }
    const database = await this.openDatabase()
    this.instanceId = await seedDatabase(database.db)
    await database.close()
  }

  async close(): Promise<void> {
    const { dir, launcher, witness, proxies, postgres } = this.#parts
    for (let index = 0; index < REPLICAS; index++) await this.killReplica(index)
    await launcher.close?.(this).catch((error: unknown) => console.error('could not remove everything:', error))
    await witness.close()
    for (const proxy of proxies) await proxy.close()
    await postgres.stop()
    await rm(dir, { recursive: true, force: true, maxRetries: 10 })
  }
}

export async function openStage(launcher: ChaosLauncher): Promise<Stage> {
  const { address } = launcher
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-chaos-'))
  await launcher.open?.(dir)
  const replicas: StageParts['replicas'] = []
  const postgres = await superviseEmbeddedPostgres({ dataDir: join(dir, 'postgres') })
  const databaseProxy = await startProxy(() => [Number(new URL(postgres.url).port)])
  const proxy = await startProxy(() => replicas.flatMap((replica) => replica?.port ?? []))
  const trainersProxy = await startProxy(() => replicas.flatMap((replica) => replica?.trainersPort ?? []), address)
  const witness = await startWitness(address)
  const settings: ChaosRunnerSettings = {
    publicUrl: `http://127.0.0.1:${proxy.port}`,
    callbackUrl: address === undefined ? undefined : `http://${address}:${trainersProxy.port}`,
    databaseUrl: Object.assign(new URL(postgres.url), { port: String(databaseProxy.port) }).href,
    databaseSchema: SCHEMA,
    dir,
    witnessUrl: witness.url,
    secret: randomBytes(32).toString('hex'),
    ...launcher.settings,
    ...launcher.allowWitness?.(witness.port),
  }
  const proxies = [proxy, trainersProxy, databaseProxy]
  const stage = new Stage({ dir, launcher, witness, proxies, settings, replicas, postgres })
  try {
    await stage.start()
    return stage
  } catch (error) {
    await stage.close()
    throw error
  }
}
