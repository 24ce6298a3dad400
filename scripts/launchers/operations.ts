import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Artifact } from '@trainyard/contract'
import { formatDuration } from '@trainyard/contract/format'
import type { RunningServer } from '../../tests/e2e/server.ts'
import { ROOT } from '../lib/run.ts'
import { epochsOf, readJob, runJob, until } from './jobs.ts'
import { copyOf, must, trainyard } from './prepare.ts'
import { TRAINERS, type Trained } from './trainers.ts'

export const LAUNCHERS = ['subprocess', 'docker', 'kubernetes'] as const
export type Launcher = (typeof LAUNCHERS)[number]
export const OPERATIONS = ['publish', 'train', 'predict', 'export', 'cancel', 'resume', 'early stop'] as const
export type Operation = (typeof OPERATIONS)[number]

const JUDGE = join(ROOT, 'tests/python/support/judge.py')
const MANY_EPOCHS = 500
const LEAST_PLOTS = 3
/** Of a training that makes no progress, with a patience of two. */
const MOST_IDLE_EPOCHS = 20

export interface Work {
  server: RunningServer
  /** For copies of trainers and results. It has the datasets. */
  dir: string
  lock: string
  /** Of images. */
  base: string
  /** Ids of datasets, by name. */
  datasets: Readonly<Record<Trained['data'], string>>
  python: string
  env: NodeJS.ProcessEnv
}

/** Runs the operations of one trainer with one launcher. A cell is its result, or that it failed. */
export async function tryTrainer(name: string, launcher: Launcher, work: Work): Promise<Map<Operation, string>> {
  const cells = new Map<Operation, string>()
  const cell = async <T>(operation: Operation, action: () => Promise<{ shown: string; value: T }>) => {
    const started = performance.now()
    try {
      const { shown, value } = await action()
      cells.set(operation, `${shown}, ${formatDuration(performance.now() - started)}`)
      console.log(`ok   ${name} ${launcher} ${operation}: ${cells.get(operation)}`)
      return { value }
    } catch (error) {
      cells.set(operation, 'FAILED')
      process.exitCode = 1
      console.log(`FAIL ${name} ${launcher} ${operation}: ${error instanceof Error ? error.message : error}`)
      return undefined
    }
  }
  const trial = new Trial(name, launcher, work)
  if ((await cell('publish', () => trial.publish())) === undefined) return cells
  const trained = await cell('train', () => trial.train())
  if (trained !== undefined && (await cell('predict', () => trial.predict(trained.value))) !== undefined)
    await cell('export', () => trial.export(trained.value))
  const cancelled = await cell('cancel', () => trial.cancel())
  if (cancelled !== undefined) await cell('resume', () => trial.resume(cancelled.value))
  await cell('early stop', () => trial.stopEarly())
  return cells
}

interface Training {
  job: number
  best: Artifact
  /** The highest value of the metric. */
  reached: number
}

class Trial {
  readonly #name: string
  readonly #work: Work
  readonly #isImage: boolean
  readonly #version: string
  readonly #trained: Trained
  readonly #results: string
  readonly #input: { trainer: string; dataset: string; model: string; config: Record<string, unknown> }
  readonly #env: NodeJS.ProcessEnv

  constructor(name: string, launcher: Launcher, work: Work) {
    const { server, datasets, dir, env } = work
    const trained = TRAINERS[name]
    if (trained === undefined)
      throw new Error(`there is no trainer "${name}": expected ${Object.keys(TRAINERS).join(', ')}`)
    this.#name = name
    this.#work = work
    this.#isImage = launcher !== 'subprocess'
    this.#version = this.#isImage ? '1.0.1' : '1.0.0'
    this.#trained = trained
    this.#results = join(dir, `${name}-${launcher}`)
    const { data, model, config } = trained
    this.#input = { trainer: `trainyard/${name}@${this.#version}`, dataset: datasets[data], model, config }
    this.#env = { ...env, TRAINYARD_REGISTRY: server.url, TRAINYARD_RUNNER: server.url, TRAINYARD_TOKEN: server.token }
  }

  async publish() {
    const { server, dir, lock, base } = this.#work
    const known = await server.client.trainers.version(`trainyard/${this.#name}`, this.#version).catch(() => undefined)
    if (known !== undefined && known.state !== 'rejected') return { shown: `${known.state} before`, value: undefined }
    const folder = await copyOf(this.#name, { dir, lock, version: this.#version })
    const args = this.#isImage ? ['build', folder, '--base', base, '--push', '--json'] : ['publish', folder, '--json']
    const { state, digest } = JSON.parse(await trainyard(args, this.#env))
    return { shown: `${state} ${String(digest).slice(7, 15)}`, value: undefined }
  }

  async train() {
    const { metric, least } = this.#trained
    const { events, job } = await runJob(this.#work.server, this.#input)
    const values = events.filter(({ type }) => type === 'validation').map(({ body }) => body.metrics)
    const reached = Math.max(...values.map((one) => Number((one as Record<string, unknown>)[metric])))
    if (!(reached >= least)) throw new Error(`${metric} is ${reached}: expected ${least}`)
    const { artifacts } = await this.#work.server.client.jobs.artifacts(job.id)
    const best = artifacts.find((one) => one.kind === 'checkpoint' && one.name.startsWith('best'))
    if (best === undefined) throw new Error('there is no checkpoint "best"')
    const plots = artifacts.filter(({ kind }) => kind === 'plot').length
    if (plots < LEAST_PLOTS) throw new Error(`there are ${plots} plots: expected ${LEAST_PLOTS}`)
    return { shown: `${metric} ${reached.toFixed(3)}`, value: { job: job.id, best, reached } }
  }

  async predict({ best }: Training) {
    const input = { ...this.#input, operation: 'predict', checkpoint: best.id } as const
    const { events } = await runJob(this.#work.server, input)
    const found = events.filter(({ type }) => type === 'prediction').map(({ body }) => body)
    if (found.length === 0) throw new Error('there is no prediction')
    await mkdir(this.#results, { recursive: true })
    await writeFile(join(this.#results, 'predictions.json'), JSON.stringify(found))
    return { shown: `${found.length} images`, value: undefined }
  }

  /** Judged by programs that have nothing of the trainer. */
  async export({ job, best, reached }: Training) {
    const { dataset: _, ...input } = this.#input
    const { data } = this.#trained
    const exported = await runJob(this.#work.server, {
      ...input,
      taskType: data === 'shapes' ? 'detection' : 'classification',
      operation: 'export',
      checkpoint: best.id,
      exportFormat: 'onnx',
    })
    const files = [
      { id: exported.job.id, kind: 'export' },
      { id: job, kind: 'checkpoint' },
    ]
    for (const { id, kind } of files) {
      const to = join(this.#results, kind)
      await trainyard(['artifacts', 'pull', String(id), '--kind', kind, '--to', to], this.#env)
    }
    const { python, dir } = this.#work
    const judged = await must(python, [JUDGE, this.#name, this.#results, join(dir, data), String(reached)])
    return { shown: judged.trim().split('\n').at(-1) ?? '', value: undefined }
  }

  /** In the middle of an epoch. */
  async cancel() {
    const { server } = this.#work
    const { client } = server
    const { id } = await client.jobs.create({ ...this.#input, config: { ...this.#input.config, epochs: MANY_EPOCHS } })
    await until(server, id, 'its first checkpoint', async () =>
      (await client.jobs.artifacts(id)).artifacts.some(({ name }) => name.startsWith('last')),
    )
    await client.jobs.cancel(id)
    await until(server, id, 'its cancel', async ({ state }) => state === 'cancelled')
    const { events } = await readJob(server, id)
    const saved = events.findLast(({ type }) => type === 'checkpoint')?.body.epoch
    return { shown: `after epoch ${saved}`, value: { id, saved: Number(saved) } }
  }

  async resume({ id, saved }: { id: number; saved: number }) {
    const { server } = this.#work
    await server.client.jobs.restart(id)
    await until(server, id, 'an epoch of its second attempt', async () => {
      const { events } = await server.client.jobs.events(id, { attempt: 2, type: 'validation', limit: 1 })
      return events.length > 0
    })
    await server.client.jobs.cancel(id)
    await until(server, id, 'its cancel', async ({ state }) => state === 'cancelled')
    const [first] = epochsOf((await readJob(server, id)).events, 2)
    if (first !== saved + 1) throw new Error(`it continues with epoch ${first} after the checkpoint of ${saved}`)
    return { shown: `with epoch ${first}`, value: undefined }
  }

  async stopEarly() {
    const config = { ...this.#input.config, ...this.#trained.idle, epochs: MANY_EPOCHS, patience: 2 }
    const { events, job } = await runJob(this.#work.server, { ...this.#input, config })
    const count = epochsOf(events, job.attempt).length
    if (count > MOST_IDLE_EPOCHS) throw new Error(`it stopped after ${count} epochs`)
    return { shown: `after ${count} epochs`, value: undefined }
  }
}
