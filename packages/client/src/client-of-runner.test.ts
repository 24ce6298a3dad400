import type { LiveMessage } from '@trainyard/contract'
import { encode } from 'fast-png'
import { packTar } from 'modern-tar'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createClient, TrainyardApiError } from './index.ts'
import { startTestRunner, type TestRunner } from './testing/start-test-runner.ts'

/** Two epochs and a result, sent without the SDK: this test is about the client. */
const trainer = `
const { CALLBACK_URL, CALLBACK_TOKEN, CALLBACK_TOKEN_FILE, JOB_ATTEMPT } = process.env
const token = CALLBACK_TOKEN ?? (await import('node:fs')).readFileSync(CALLBACK_TOKEN_FILE, 'utf8')
const time = new Date().toISOString()
const events = [
  { type: 'started' },
  { type: 'progress', epoch: 1, totalEpochs: 2, metrics: { loss: 0.5 } },
  { type: 'progress', epoch: 2, totalEpochs: 2, metrics: { loss: 0.25 } },
  { type: 'log', level: 'info', message: 'that was it' },
  { type: 'completed', result: { operation: 'train', metrics: { loss: 0.25 } } },
].map((event, index) => ({ seq: index + 1, time, ...event }))
const answer = await fetch(CALLBACK_URL + '/events', {
  method: 'POST',
  headers: { authorization: 'Bearer ' + token.trim(), 'content-type': 'application/json' },
  body: JSON.stringify({ attempt: Number(JOB_ATTEMPT), events }),
})
if (!answer.ok) throw new Error(await answer.text())
`

let runner: TestRunner
let runnerUrl: string
beforeAll(async () => {
  runner = await startTestRunner(trainer)
  runnerUrl = runner.url
})
afterAll(() => runner[Symbol.asyncDispose]())

async function tarOfImages(): Promise<Uint8Array<ArrayBuffer>> {
  const entries = ['train/cat/1.png', 'train/dog/2.png', 'val/cat/3.png'].map((name, index) => {
    const body = encode({ width: 4, height: 4, channels: 3, data: new Uint8Array(48).fill(index) })
    return { header: { name, size: body.length, type: 'file' as const }, body }
  })
  return new Uint8Array(await packTar(entries))
}

test('uploads a dataset to a real runner and follows a job that uses it to its end', async () => {
  const client = createClient({ runnerUrl, token: runner.token })
  const dataset = await client.datasets.upload(await tarOfImages(), { name: 'pets' })
  expect(dataset).toMatchObject({ format: 'imagefolder', taskType: 'classification', counts: { images: 3 } })
  expect((await client.datasets.list()).datasets).toEqual([dataset])
  expect((await client.datasets.files(dataset.id)).files).toHaveLength(3)

  const job = await client.jobs.create({ trainer: 'acme/tiny', dataset: dataset.id })
  const messages: LiveMessage[] = []
  for await (const message of client.jobs.live(job.id)) messages.push(message)
  expect(messages[0]?.type).toBe('snapshot')
  const ended = await client.jobs.get(job.id)
  expect(ended).toMatchObject({ state: 'succeeded', endReason: 'completed', latestMetrics: { loss: 0.25 } })

  const { series } = await client.jobs.metrics(job.id, { name: 'loss' })
  expect(series[0]?.points.map(({ step, value }) => [step, value])).toEqual([
    [1, 0.5],
    [2, 0.25],
  ])
  expect((await client.jobs.logs(job.id, { search: 'that was it' })).lines).toHaveLength(1)
  expect((await client.jobs.events(job.id, { type: 'progress' })).events).toHaveLength(2)
  expect((await client.jobs.artifacts(job.id)).artifacts).toEqual([])
  expect((await client.jobs.list({ state: 'succeeded' })).jobs.map(({ id }) => id)).toEqual([job.id])
  // The runner refuses it while the trainer's process is ending.
  await expect.poll(() => client.jobs.delete(job.id).then(() => 'deleted', String), { timeout: 10_000 }).toBe('deleted')
  await expect(client.jobs.get(job.id)).rejects.toMatchObject({ code: 'not_found' })
  await client.datasets.delete(dataset.id)
  await expect(client.datasets.get(dataset.id)).rejects.toMatchObject({ status: 404 })
})

test('turns a refusal of the runner into one readable message', async () => {
  const client = createClient({ runnerUrl, token: runner.token })
  const upload = client.datasets.upload(new Uint8Array(20_000_000).fill(65), { name: 'not a tar' })
  await expect(upload).rejects.toThrow(TrainyardApiError)
  await expect(upload).rejects.toThrow('not a tar archive')
  await expect(client.jobs.create({ trainer: 'acme/other', dataset: 'ds_none' })).rejects.toThrow('acme/other')
})
