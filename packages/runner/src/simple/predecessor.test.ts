import { createHash } from 'node:crypto'
import { CreateArtifactResponse, LogPage, StoredEventPage } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'

/** The addresses at which a sender's paths `training/jobs/{id}/callback/…` exist. */
const BASES = ['/api/v1', '/v1/jobs/{id}', '/v1/jobs/{id}/api/v1']

describe('senders that were written for an earlier platform', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
  })
  afterAll(() => harness.close())

  async function open(base: string, operation: 'train' | 'predict' | 'export' = 'train') {
    const journal = await openJournal(harness)
    const { jobId, authorization } = journal
    const { db } = harness.runner.context.database
    await db.updateTable('jobs').set({ operation, export_format: 'onnx' }).where('id', '=', jobId).execute()
    const fill = (path: string) => path.replaceAll('{id}', String(jobId))
    return {
      jobId,
      async post(path: string, body: object, expected = 200) {
        const response = await harness.post(fill(`${base}/${path}`), body, { authorization })
        const answer: unknown = await response.json()
        expect([path, response.status, answer]).toEqual([path, expected, answer])
        return answer
      },
      async upload(kind: string, name: string, bytes: string) {
        const sha256 = createHash('sha256').update(bytes).digest('hex')
        const body = { kind, name, sizeBytes: bytes.length, sha256 }
        const created = CreateArtifactResponse.parse(await (await journal.post('/artifacts', body)).json())
        if (created.upload.type !== 'single') throw new Error(created.upload.type)
        const { method, url, headers } = created.upload.request
        await fetch(url, { method, headers, body: bytes })
        await journal.post(`/artifacts/${created.id}/complete`, {})
        return created.id
      },
      async events() {
        const page = await (await harness.request(`/v1/jobs/${jobId}/events?limit=1000`)).json()
        return StoredEventPage.parse(page).events
      },
      job: () => harness.getJob(jobId),
    }
  }

  it.each(BASES)('report a whole training below %s', async (base) => {
    const { post, upload, events, job, jobId } = await open(base)
    const at = 'training/jobs/{id}/callback'
    const extra_metrics = { mAP50: 0.6, 'lr/pg0': '1e-3' }
    await post(`${at}/progress`, {
      current_epoch: 1,
      total_epochs: 2,
      progress_percent: 50,
      metrics: { loss: 0.5, primary_metric_name: 'accuracy', primary_metric_value: 0.75, extra_metrics },
    })
    await post(`${at}/logs`, { level: 'WARNING', message: 'low on disk', event_type: 'disk' })
    const id = await upload('checkpoint', 'weights/best.pt', 'weights')
    await post(`${at}/checkpoint`, { artifact_id: id, name: 'best', epoch: 1, metrics: { accuracy: 0.75 } })
    await post('validation/jobs/{id}/results', {
      epoch: 1,
      primary_metric_name: 'accuracy',
      primary_metric_value: 0.8,
      overall_metrics: { extra_metrics: { precision: 0.9 } },
      per_class_metrics: { circle: { precision: 1 } },
    })
    await post(`${at}/completion`, {
      status: 'completed',
      final_metrics: { accuracy: 0.8, extra_metrics: { precision: 0.9 } },
      best_epoch: 1,
    })
    expect((await events()).map(({ type }) => type)).toEqual([
      'started',
      'progress',
      'log',
      'checkpoint',
      'validation',
      'completed',
    ])
    const bodies = (await events()).map(({ body }) => body)
    expect(bodies[1]).toMatchObject({
      epoch: 1,
      totalEpochs: 2,
      metrics: { loss: 0.5, accuracy: 0.75, mAP50: 0.6, 'lr/pg0': 0.001 },
    })
    expect(bodies[3]).toMatchObject({ artifactId: id, name: 'best', epoch: 1, metrics: { accuracy: 0.75 } })
    expect(bodies[4]).toMatchObject({
      primary: { name: 'accuracy', value: 0.8, goal: 'maximize' },
      metrics: { precision: 0.9 },
    })
    expect(await job()).toMatchObject({ state: 'succeeded', result: { metrics: { accuracy: 0.8, precision: 0.9 } } })
    const logs = LogPage.parse(await (await harness.request(`/v1/jobs/${jobId}/logs`)).json())
    expect(logs.lines).toMatchObject([{ level: 'warning', message: 'low on disk' }])
  })

  it.each(BASES)('report a prediction and an export below %s', async (base) => {
    const predict = await open(base, 'predict')
    const at = 'test_inference/inference/jobs/{id}/callback'
    await predict.post(`${at}/started`, { runtime: 'python 3.11' })
    const predictions = [{ class_id: 0, class_name: 'circle', confidence: 0.9, bbox: [1, 2, 3, 4] }]
    await predict.post(`${at}/completion`, { status: 'completed', results: [{ image_name: 'a.png', predictions }] })
    expect((await predict.events()).map(({ type }) => type)).toEqual(['started', 'prediction', 'completed'])

    const exported = await open(base, 'export')
    await exported.post('export/jobs/{id}/callback/started', {})
    const body = { status: 'completed', metadata: { opset: 17 } }
    await exported.post('export/jobs/{id}/callback/completion', body, 400)
    const id = await exported.upload('export', 'model.onnx', 'onnx')
    await exported.post('export/jobs/{id}/callback/completion', body)
    expect(await exported.job()).toMatchObject({ state: 'succeeded', result: { format: 'onnx', artifactId: id } })
  })

  it('answer every path of the life cycle below every address', async () => {
    const training = 'training/jobs/{id}/callback'
    const inference = 'test_inference/inference/jobs/{id}/callback'
    const calls: Readonly<Record<'train' | 'predict' | 'export', readonly [string, object][]>> = {
      train: [
        [`${training}/started`, { runtime: 'python 3.11', pid: 7 }],
        [`${training}/progress`, { epoch: 1, total_epochs: 2, metrics: { loss: 0.5 } }],
        [`${training}/log`, { level: 'info', message: 'one' }],
        [`${training}/logs`, { level: 'WARN', message: 'two' }],
        [`${training}/checkpoint`, { epoch: 1 }],
        ['validation/jobs/{id}/results', { epoch: 1, metrics: { accuracy: 0.5 } }],
        [`${training}/completion`, { status: 'completed', final_metrics: { accuracy: 0.5 } }],
      ],
      predict: [
        [`${inference}/started`, {}],
        [`${inference}/completion`, { status: 'completed', results: [] }],
      ],
      export: [
        ['export/jobs/{id}/callback/started', {}],
        ['export/jobs/{id}/callback/completion', { status: 'completed' }],
      ],
    }
    for (const base of BASES)
      for (const operation of ['train', 'predict', 'export'] as const) {
        const { post, upload, job } = await open(base, operation)
        if (operation !== 'predict') await upload(operation === 'train' ? 'checkpoint' : 'export', 'last.pt', 'bytes')
        for (const [path, body] of calls[operation]) expect(await post(path, body)).not.toHaveProperty('warnings')
        expect(await job()).toMatchObject({ state: 'succeeded' })
      }
  })

  it.each([
    ['[DatasetError] no images in train', 'DatasetError', 'no images in train'],
    ['ConfigError: imgsz is 0', 'ConfigError', 'imgsz is 0'],
    [
      'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB',
      'ResourceError',
      expect.stringMatching(/Tried to allocate 2 GiB\. The memory of the GPU ran out/),
    ],
    ['MemoryError', 'ResourceError', expect.stringContaining('resources.memoryMb')],
    ['no such layer', 'UnknownError', 'no such layer'],
  ])('give the type of the error %j in its message', async (error, errorType, message) => {
    const { post, job } = await open('/v1/jobs/{id}')
    await post('callback/completion', { status: 'failed', error })
    expect((await job()).error).toMatchObject({ errorType, message })
  })

  it('start by any first call, once', async () => {
    const { post, events } = await open('/v1/jobs/{id}')
    await post('heartbeat', {})
    await post('callback/started', { runtime: 'python' })
    await post('callback/log', { message: 'hello' })
    expect((await events()).map(({ type }) => type)).toEqual(['started', 'log'])
  })

  it('report the checkpoint that they uploaded last without naming it', async () => {
    const { post, upload, events } = await open('/v1/jobs/{id}')
    const id = await upload('checkpoint', 'weights/last.pt', 'weights')
    await post('callback/checkpoint', { epoch: '3' })
    expect((await events())[1]?.body).toMatchObject({ artifactId: id, name: 'last', epoch: 3 })
  })

  it('are refused at the address of another job', async () => {
    const { post } = await open('/v1/jobs/{id}')
    await post('training/jobs/999999/callback/progress', { epoch: 1 }, 404)
  })

  it('can write NaN and Infinity bare, as Python does', async () => {
    const { jobId, authorization } = await openJournal(harness)
    const response = await harness.request(`/v1/jobs/${jobId}/callback/progress`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: '{"epoch": 1, "note": "a \\" NaN", "metrics": {"grad": NaN, "up": -Infinity}}',
    })
    expect(await response.json()).toEqual({ status: 'running', should_continue: true })
    expect((await harness.getJob(jobId)).latestMetrics).toEqual({ grad: 'NaN', up: '-Infinity' })
  })
})
