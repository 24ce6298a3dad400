import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoredEvent } from '@trainyard/contract'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { jobWhen, prepareTraining } from './prepare-training.ts'
import { type RunningServer, startServer, stopServer } from './server.ts'

const EPOCHS = 8
/** The trainer is checked in full by `npm start`, which publishes it. */
const FEW_CHECKS = { REGISTRY_CHECKS_ENABLED: 'manifest,secrets', REGISTRY_CHECKS_REQUIRED: 'manifest,secrets' }

let dir: string
let server: RunningServer
let datasetId: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainyard-recovery-'))
  server = await startServer(join(dir, 'data'), 0, FEW_CHECKS)
  datasetId = await prepareTraining(server, dir)
}, 300_000)

afterAll(async () => {
  await stopServer(server)
  await rm(dir, { recursive: true, force: true })
})

async function allEvents(id: number): Promise<StoredEvent[]> {
  const events: StoredEvent[] = []
  let cursor: string | undefined
  do {
    const page = await server.client.jobs.events(id, cursor === undefined ? {} : { cursor })
    events.push(...page.events)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return events
}

test('a training goes on when the platform is killed, and nothing of it is lost or doubled', async () => {
  const { id } = await server.client.jobs.create({
    trainer: 'trainyard/tfjs-classifier@^1',
    dataset: datasetId,
    config: { epochs: EPOCHS, seed: 1 },
  })
  await jobWhen(server.client, id, (job) => (job.progress.epoch ?? 0) >= 2, 'the second epoch')
  const port = Number(new URL(server.url).port)
  server.process.kill('SIGKILL')
  expect(await server.ended).toBe('SIGKILL')
  server = await startServer(join(dir, 'data'), port, FEW_CHECKS)

  const job = await jobWhen(
    server.client,
    id,
    ({ state }) => !['pending', 'queued', 'running'].includes(state),
    'an end',
  )
  expect(job).toMatchObject({ state: 'succeeded', endReason: 'completed', attempt: 1 })

  const events = await allEvents(id)
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1))
  const count = (type: string): number => events.filter((event) => event.type === type).length
  expect(count('started')).toBe(1)
  expect(count('completed')).toBe(1)
  const epochs = events.filter((event) => event.type === 'progress').map((event) => Number(event.body.epoch ?? 0))
  expect([...new Set(epochs.filter((epoch) => epoch > 0))].toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: EPOCHS }, (_, index) => index + 1),
  )
}, 120_000)

test('a cancelled job stops and reports it', async () => {
  const { id } = await server.client.jobs.create({
    trainer: 'trainyard/tfjs-classifier',
    dataset: datasetId,
    config: { epochs: 500 },
  })
  await jobWhen(server.client, id, (job) => (job.progress.epoch ?? 0) >= 1, 'the first epoch')
  await server.client.jobs.cancel(id)
  const job = await jobWhen(server.client, id, ({ state }) => state !== 'running', 'an end')
  expect(job).toMatchObject({ state: 'cancelled', endReason: 'cancelled_by_user' })
}, 60_000)

test('what cannot run is refused with the field, the value and what is expected', async () => {
  const { jobs } = server.client
  await expect(jobs.create({ trainer: 'unknown/nothing', dataset: datasetId })).rejects.toThrow(/unknown\/nothing/)
  await expect(jobs.create({ trainer: 'trainyard/tfjs-classifier@^9', dataset: datasetId })).rejects.toThrow(
    /\^9.*1\.0\.0/s,
  )
  await expect(
    jobs.create({ trainer: 'trainyard/tfjs-classifier', dataset: datasetId, config: { epochs: -3 } }),
  ).rejects.toThrow(/epochs.*-3/s)
  await expect(jobs.create({ trainer: 'trainyard/tfjs-classifier', dataset: 'ds_nope' })).rejects.toThrow(/ds_nope/)
  const { jobs: list } = await jobs.list()
  expect(list.length).toBe(2)
})
