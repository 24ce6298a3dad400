import { crc32 } from 'node:zlib'
import { PictureInputs, Prediction, PredictionList, Problem } from '@trainyard/contract'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { png } from '../datasets/testing/test-datasets.ts'
import { type Harness, isOver, journalOf, playedLauncher, startHarness } from '../testing/harness.ts'
import { insertCheckpoint } from '../testing/insert-checkpoint.ts'
import { predictingSource } from '../testing/predicting-source.ts'

interface Tried {
  jobId: number
  path: string
  send: (body: Uint8Array, name?: string) => Promise<Response>
  sent: (body: Uint8Array, name?: string) => Promise<Prediction>
  get: (id: string, wait?: number) => Promise<Prediction>
  list: () => Promise<Prediction[]>
}

/** A training with a checkpoint, and the requests of a person who tries it. */
async function startTrying(harness: Harness, id: string): Promise<Tried> {
  const { id: jobId } = await harness.createJob()
  await harness.request(`/v1/jobs/${jobId}/cancel`, { method: 'POST' })
  await insertCheckpoint(harness.runner.context, jobId, id)
  const path = `/v1/jobs/${jobId}/artifacts/${id}/predictions`
  const send: Tried['send'] = async (body, name = 'a.png') =>
    await harness.request(`${path}?name=${encodeURIComponent(name)}`, {
      method: 'POST',
      body: body as Uint8Array<ArrayBuffer>,
    })
  return {
    jobId,
    path,
    send,
    sent: async (body, name) => {
      const response = await send(body, name)
      if (response.status !== 202) throw new Error(await response.text())
      return Prediction.parse(await response.json())
    },
    get: async (predictionId, wait = 0) =>
      Prediction.parse(await (await harness.request(`${path}/${predictionId}?wait=${wait}`)).json()),
    list: async () => PredictionList.parse(await (await harness.request(path)).json()).predictions,
  }
}

const problemOf = async (response: Response) => Problem.parse(await response.json())

/** A PNG whose header states a size. */
function pngOf(width: number, height: number): Uint8Array {
  const bytes = Buffer.from(png(1))
  bytes.writeUInt32BE(width, 16)
  bytes.writeUInt32BE(height, 20)
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29)
  return bytes
}

describe('pictures that are sent to a checkpoint', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({
      runner: { launcher: playedLauncher, trainers: predictingSource() },
      config: { limits: { maxPredictors: 3 } },
    })
  })
  afterAll(() => harness.close())
  // Jobs that wait for pictures count for the whole project.
  afterEach(async () => {
    const { db } = harness.runner.context.database
    await db
      .updateTable('jobs')
      .set({ pictures: 'closed', state: 'cancelled' })
      .where('pictures', 'is not', null)
      .execute()
  })

  /** The requests of the trainer that predicts. */
  async function trainerOf(prediction: Prediction) {
    const journal = await journalOf(harness, prediction.job.id, 1)
    const images = async (query: string) => {
      const response = await journal.get(`/inputs/images?${query}`)
      return PictureInputs.parse(await response.json())
    }
    return { ...journal, images }
  }

  it('waits in a job of the checkpoint, and the trainer of that job gets it', async () => {
    const tried = await startTrying(harness, 'art_first')
    const prediction = await tried.sent(png(3), 'von der Kamera.png')
    expect(prediction).toMatchObject({
      checkpoint: 'art_first',
      state: 'waiting',
      job: { state: 'queued' },
      picture: { name: 'von der Kamera.png', contentType: 'image/png', width: 8, height: 8 },
    })
    const job = await harness.getJob(prediction.job.id)
    expect(job).toMatchObject({
      operation: 'predict',
      checkpoint: 'art_first',
      name: `Try best.bin of job ${tried.jobId}`,
    })
    const trainer = await trainerOf(prediction)
    const { images, cursor, done } = await trainer.images('wait=0')
    expect({ names: images.map(({ name }) => name), done }).toEqual({ names: [`${prediction.id}.png`], done: false })
    const bytes = await (await fetch(images[0]?.request.url ?? '')).arrayBuffer()
    expect(Buffer.from(bytes).equals(png(3))).toBe(true)

    const objects = [{ classId: 1, className: 'cat', confidence: 0.9, bbox: [1, 1, 4, 5] }]
    const result = tried.get(prediction.id, 20)
    await trainer.send(1, [
      { type: 'prediction', imageName: images[0]?.name, predictions: objects, inferenceTimeMs: 7 },
    ])
    expect(await result).toMatchObject({ state: 'done', objects, inferenceTimeMs: 7 })

    // The same job takes the next one.
    const second = await tried.sent(png(4))
    expect(second.job.id).toBe(prediction.job.id)
    expect((await trainer.images(`after=${cursor}&wait=0`)).images).toHaveLength(1)
    expect((await tried.list()).map(({ id, state }) => [id, state])).toEqual([
      [second.id, 'waiting'],
      [prediction.id, 'done'],
    ])
  })

  it('has all its objects, and in a list only the surest', async () => {
    const tried = await startTrying(harness, 'art_objects')
    const prediction = await tried.sent(png(3))
    const trainer = await trainerOf(prediction)
    const objects = Array.from({ length: 30 }, (_, index) => ({
      classId: index,
      className: 'a',
      confidence: index / 30,
    }))
    await trainer.send(1, [{ type: 'prediction', imageName: `${prediction.id}.png`, predictions: objects }])
    expect(await tried.get(prediction.id, 20)).toMatchObject({ objects, objectCount: 30 })
    const [listed] = await tried.list()
    expect(listed?.objectCount).toBe(30)
    expect(listed?.objects?.map(({ classId }) => classId)).toEqual(Array.from({ length: 20 }, (_, index) => 29 - index))
  })

  it('keeps the reason of a trainer that cannot predict one of them', async () => {
    const tried = await startTrying(harness, 'art_reason')
    const prediction = await tried.sent(png(3))
    const trainer = await trainerOf(prediction)
    const error = `${prediction.id}.png cannot be decoded`
    await trainer.send(1, [{ type: 'prediction', imageName: `${prediction.id}.png`, predictions: [], error }])
    expect(await tried.get(prediction.id, 20)).toMatchObject({ state: 'failed', error: 'a.png cannot be decoded' })
  })

  it('fails with the error of the job when its trainer ends without a prediction, and starts another job', async () => {
    const tried = await startTrying(harness, 'art_fails')
    const prediction = await tried.sent(png(3))
    const trainer = await trainerOf(prediction)
    await trainer.send(1, [{ type: 'failed', errorType: 'CheckpointError', message: 'The weights do not fit' }])
    await harness.runner.context.database.db
      .updateTable('jobs')
      .set({ state: 'failed', error: JSON.stringify({ message: 'The weights do not fit' }) })
      .where('id', '=', prediction.job.id)
      .execute()
    expect(await tried.get(prediction.id)).toMatchObject({ state: 'failed', error: 'The weights do not fit' })
    expect((await tried.sent(png(4))).job.id).not.toBe(prediction.job.id)
  })

  it('of a trainer that takes no more pictures go to another job', async () => {
    const tried = await startTrying(harness, 'art_last')
    const first = await tried.sent(png(3))
    const trainer = await trainerOf(first)
    const { images, done } = await trainer.images('last=true&wait=0')
    expect({ count: images.length, done }).toEqual({ count: 1, done: true })
    expect((await tried.sent(png(4))).job.id).not.toBe(first.job.id)
  })

  it('make room: the job of a project that waited longest ends', async () => {
    const { limits } = harness.runner.context
    const all = await Promise.all(['a', 'b', 'c', 'd'].map((name) => startTrying(harness, `art_room_${name}`)))
    const [first, ...others] = all
    const earliest = await first?.sent(png(3))
    if (earliest === undefined) throw new Error('expected a prediction')
    const trainer = await trainerOf(earliest)
    await trainer.send(1, [{ type: 'prediction', imageName: `${earliest.id}.png`, predictions: [] }])
    await first?.get(earliest.id, 20)
    for (const tried of others.slice(0, limits.maxPredictors)) await tried.sent(png(3))
    expect(await trainer.images(`after=${Number.MAX_SAFE_INTEGER}&wait=0`)).toMatchObject({ images: [], done: true })
    const refused = await first?.send(png(5))
    expect(refused?.status).toBe(429)
  })

  it.each([
    ['20,000 × 20,000 pixels', pngOf(20_000, 20_000), '"a.png" has 20000 × 20000 pixels; the limit is 50 million'],
    [
      'an SVG',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      '"a.png" is not a PNG, JPEG or WebP: it is an SVG',
    ],
    ['half a picture', Buffer.from(png(1)).subarray(0, 40), '"a.png"'],
    [
      'a text',
      Buffer.from('hello, this is no picture'),
      '"a.png" is not a PNG, JPEG or WebP: it starts with the bytes 68656c6c',
    ],
  ])('are refused: %s', async (_, bytes, message) => {
    const tried = await startTrying(harness, `art_bad_${Math.random().toString(36).slice(2)}`)
    const response = await tried.send(bytes)
    const { detail, issues } = await problemOf(response)
    expect({ status: response.status, path: issues?.[0]?.path }).toEqual({ status: 422, path: 'body' })
    expect(detail).toContain(message)
    expect(await tried.list()).toEqual([])
  })

  it('are refused when empty, larger than 20 MiB, or when too many wait', async () => {
    const tried = await startTrying(harness, 'art_many')
    expect((await tried.send(new Uint8Array())).status).toBe(400)
    expect((await tried.send(new Uint8Array(21 * 1024 ** 2))).status).toBe(413)
    for (let count = 0; count < 20; count++) await tried.sent(png(count))
    const response = await tried.send(png(1))
    expect(response.status).toBe(429)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  it('need a checkpoint, and a job of pictures is not restarted', async () => {
    const tried = await startTrying(harness, 'art_kind')
    const missing = await harness.request(tried.path.replace('art_kind', 'art_other'), {
      method: 'POST',
      body: png(1) as Uint8Array<ArrayBuffer>,
    })
    expect(missing.status).toBe(404)
    const { job } = await tried.sent(png(1))
    await harness.request(`/v1/jobs/${job.id}/cancel`, { method: 'POST' })
    const restarted = await harness.request(`/v1/jobs/${job.id}/restart`, { method: 'POST' })
    expect(restarted.status).toBe(409)
  })
})

describe('a checkpoint of a trainer that cannot predict', () => {
  it('refuses pictures and names the operations of the trainer', async () => {
    const harness = await startHarness({ runner: { launcher: playedLauncher } })
    try {
      const tried = await startTrying(harness, 'art_cannot')
      const response = await tried.send(png(1))
      expect(response.status).toBe(422)
      expect((await problemOf(response)).detail).toBe('operation must be an operation of acme/plain: train, export')
    } finally {
      await harness.close()
    }
  })
})

describe('a trainer of pictures that runs', () => {
  it('predicts several in one process and ends when no more come', async () => {
    const harness = await startHarness({
      start: true,
      runner: { trainers: predictingSource() },
      config: { limits: { predictorIdleSeconds: 3 } },
    })
    try {
      const tried = await startTrying(harness, 'art_runs')
      const ids: string[] = []
      for (const seed of [1, 2]) {
        const { id } = await tried.sent(png(seed))
        const done = await waitUntilDone(tried, id)
        expect(done).toMatchObject({ state: 'done', objects: [{ className: `${png(seed).byteLength} bytes` }] })
        ids.push(String(done.job.id))
      }
      expect(new Set(ids).size).toBe(1)
      const job = await harness.waitFor(Number(ids[0]), isOver)
      expect(job).toMatchObject({ state: 'succeeded', result: { operation: 'predict', imageCount: 2 } })
    } finally {
      await harness.close()
    }
  })
})

async function waitUntilDone(tried: Tried, id: string): Promise<Prediction> {
  for (;;) {
    const prediction = await tried.get(id, 20)
    if (prediction.state !== 'waiting') return prediction
  }
}
