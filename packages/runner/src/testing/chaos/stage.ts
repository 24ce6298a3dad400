import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Database, type EmbeddedPostgres, openDatabase, startEmbeddedPostgres } from '@trainyard/platform'
import type { RunnerDatabase } from '../../db/schema/index.ts'
import type { ChaosLauncher } from './chaos-launcher.ts'
import type { ChaosRunnerSettings } from './chaos-runner.ts'
import { startProxy, type TcpProxy } from './proxy.ts'
import { SCHEMA, seedDatabase } from './seed-database.ts'
import { startWitness, type Witness } from './witness.ts'

const SCRIPT = fileURLToPath(new URL('./chaos-runner.ts', import.meta.url))
const REPLICAS = 2

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
  /** `postgres` is undefined while it is down. */
  database: { dir: string; postgres: EmbeddedPostgres | undefined }
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

  async killDatabase(): Promise<void> {
    const { postgres } = this.#parts.database
    this.#parts.database.postgres = undefined
    if (postgres !== undefined) process.kill(postgres.pid, 'SIGKILL')
  }

  async startDatabase(): Promise<void> {
    this.#parts.database.postgres = await startEmbeddedPostgres({ dataDir: this.#parts.database.dir })
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
    const { dir, launcher, witness, proxies, database } = this.#parts
    for (let index = 0; index < REPLICAS; index++) await this.killReplica(index)
    await launcher.close?.(this).catch((error: unknown) => console.error('could not remove everything:', error))
    await witness.close()
    for (const proxy of proxies) await proxy.close()
    await database.postgres?.stop()
    await rm(dir, { recursive: true, force: true, maxRetries: 10 })
  }
}

export async function openStage(launcher: ChaosLauncher): Promise<Stage> {
  const { address } = launcher
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-chaos-'))
  await launcher.open?.(dir)
  const replicas: StageParts['replicas'] = []
  const postgresDir = join(dir, 'postgres')
  const postgres = await startEmbeddedPostgres({ dataDir: postgresDir })
  const database: StageParts['database'] = { dir: postgresDir, postgres }
  const databasePorts = () => (database.postgres === undefined ? [] : [Number(new URL(database.postgres.url).port)])
  const databaseProxy = await startProxy(databasePorts)
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
  const stage = new Stage({ dir, launcher, witness, proxies, settings, replicas, database })
  try {
    await stage.start()
    return stage
  } catch (error) {
    await stage.close()
    throw error
  }
}
