import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Database, type EmbeddedPostgres, openDatabase, startEmbeddedPostgres } from '@trainyard/platform'
import { sql } from 'kysely'
import type { RunnerDatabase } from '../../db/schema/index.ts'
import type { ChaosRunnerSettings } from './chaos-runner.ts'
import { startProxy } from './proxy.ts'
import type { ChaosLauncher } from './victims.ts'
import { startWitness, type Witness } from './witness.ts'

const SCRIPT = fileURLToPath(new URL('./chaos-runner.ts', import.meta.url))
const REPLICAS = 2
/** What jobs are made of: there before the first kill. */
export const DATASET_ID = 'ds_test'
export const CHECKPOINT_ID = 'art_model'

interface Replica {
  process: ChildProcess
  port: number | undefined
  trainersPort: number | undefined
}

/** Two replicas behind one address, over a PostgreSQL of their own behind another: all of it can be killed and comes back. */
export interface Stage {
  dir: string
  url: string
  instanceId: string
  witness: Witness
  killReplica(index: number): Promise<void>
  startReplica(index: number): Promise<void>
  killDatabase(): Promise<void>
  startDatabase(): Promise<void>
  /** For looking, while nothing is being killed. */
  openDatabase(): Promise<Database<RunnerDatabase>>
  close(): Promise<void>
}

export async function setStage(launcher: ChaosLauncher): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-chaos-'))
  await launcher.open?.(dir)
  const postgresDir = join(dir, 'postgres')
  let postgres: EmbeddedPostgres | undefined = await startEmbeddedPostgres({ dataDir: postgresDir })
  const replicas: (Replica | undefined)[] = []
  const databaseProxy = await startProxy(() => (postgres === undefined ? [] : [Number(new URL(postgres.url).port)]))
  const proxy = await startProxy(() => replicas.flatMap((replica) => replica?.port ?? []))
  const { address } = launcher
  const trainersProxy = await startProxy(() => replicas.flatMap((replica) => replica?.trainersPort ?? []), address)
  const witness = await startWitness(address)
  const databaseUrl = Object.assign(new URL(postgres.url), { port: String(databaseProxy.port) }).href
  const settings: ChaosRunnerSettings = {
    publicUrl: `http://127.0.0.1:${proxy.port}`,
    databaseUrl,
    databaseSchema: 'chaos',
    dir,
    witnessUrl: witness.url,
    secret: randomBytes(32).toString('hex'),
    ...(address === undefined ? {} : { callbackUrl: `http://${address}:${trainersProxy.port}` }),
    ...launcher.settings,
    ...launcher.allowWitness?.(witness.port),
  }
  const open = () => openDatabase<RunnerDatabase>({ url: databaseUrl, schema: 'chaos_look', migrations: {} })

  const stage: Stage = {
    dir,
    url: settings.publicUrl,
    instanceId: '',
    witness,
    async killReplica(index) {
      const replica = replicas[index]
      if (replica === undefined) return
      replica.port = undefined
      replica.trainersPort = undefined
      if (replica.process.exitCode === null && replica.process.signalCode === null) {
        const exited = once(replica.process, 'exit')
        replica.process.kill('SIGKILL')
        await exited
      }
    },
    async startReplica(index) {
      const args = ['--conditions=trainyard-source', SCRIPT, JSON.stringify(settings)]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      const replica: Replica = { process: child, port: undefined, trainersPort: undefined }
      replicas[index] = replica
      if (child.stdout === null) throw new Error('no stdout')
      // It answers once the database lets it start; until then the other one does.
      createInterface(child.stdout).once('line', (line) => {
        if (child.signalCode !== null) return
        const [port, trainersPort] = line.split(' ').map(Number)
        Object.assign(replica, { port, trainersPort })
      })
    },
    async killDatabase() {
      const killed = postgres
      postgres = undefined
      if (killed !== undefined) process.kill(killed.pid, 'SIGKILL')
    },
    async startDatabase() {
      postgres = await startEmbeddedPostgres({ dataDir: postgresDir })
    },
    openDatabase: open,
    async close() {
      for (let index = 0; index < REPLICAS; index++) await stage.killReplica(index)
      await launcher.close?.(stage).catch((error: unknown) => console.error('not all could be removed:', error))
      await witness.close()
      await proxy.close()
      await trainersProxy.close()
      await databaseProxy.close()
      await postgres?.stop()
      await rm(dir, { recursive: true, force: true, maxRetries: 10 })
    },
  }
  try {
    await stage.startReplica(0)
    while (replicas[0]?.port === undefined) await new Promise((done) => setTimeout(done, 50))
    await stage.startReplica(1)
    while (replicas[1]?.port === undefined) await new Promise((done) => setTimeout(done, 50))
    const database = await open()
    const { id } = await database.db.withSchema('chaos').selectFrom('instance').select('id').executeTakeFirstOrThrow()
    stage.instanceId = id
    await sql`
      insert into chaos.datasets
        (id, project_id, name, format, task_type, classes, counts, size_bytes, version_hash)
      values (${DATASET_ID}, 'prj_default', 'shapes', 'imagefolder', 'classification', '[]', '{}', 0, ${'a'.repeat(64)})`.execute(
      database.db,
    )
    await sql`
      insert into chaos.jobs (state, attempt, operation, task_type, project_id, trainer_name, trainer, model, config,
        primary_metric, priority, max_retries, request_hash, trace_id)
      select 'succeeded', 1, 'train', 'classification', 'prj_default', 'acme/chaos', '{"manifest": {}}', 'tiny', '{}', '{}', 0, 0, '', ''`.execute(
      database.db,
    )
    // What predictions are made with: made by nobody, there before the first kill.
    await sql`
      insert into chaos.attempts (job_id, attempt, closed_at, cleaned_at) select id, 1, now(), now() from chaos.jobs`.execute(
      database.db,
    )
    await sql`
      insert into chaos.artifacts (id, job_id, attempt, kind, name, size_bytes, sha256, content_type, storage_key, completed_at)
      select ${CHECKPOINT_ID}, id, 1, 'checkpoint', 'best.json', 2, ${'b'.repeat(64)}, 'application/json', 'none', now()
      from chaos.jobs`.execute(database.db)
    await database.close()
    return stage
  } catch (error) {
    await stage.close()
    throw error
  }
}
