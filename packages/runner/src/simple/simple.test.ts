import { LogPage, Problem, StoredEventPage } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'

describe('the simple endpoints', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
  })
  afterAll(() => harness.close())

  async function open() {
    const journal = await openJournal(harness)
    const post = async (path: string, body: unknown, status = 200) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      // The default of curl.
      const headers = { authorization: journal.authorization, 'content-type': 'application/x-www-form-urlencoded' }
      const response = await harness.request(path.replace('{id}', String(journal.jobId)), {
        method: 'POST',
        headers,
        body: text,
      })
      const answer: unknown = await response.json()
      expect(response.status, JSON.stringify(answer)).toBe(status)
      return status === 200 ? answer : Problem.parse(answer)
    }
    const events = async () => {
      const page = await (await harness.request(`/v1/jobs/${journal.jobId}/events?limit=1000`)).json()
      return StoredEventPage.parse(page).events
    }
    return { ...journal, post, events }
  }
  /** Inserts the row of a checkpoint to predict with or to export; no bytes are needed. */
  async function become(jobId: number, operation: 'predict' | 'export') {
    const { db } = harness.runner.context.database
    await db.updateTable('jobs').set({ operation, export_format: 'onnx' }).where('id', '=', jobId).execute()
  }

  it('report a training from progress to completion', async () => {
    const { jobId, post, events } = await open()
    const base = '/api/v1/training/jobs/{id}/callback'
    expect(await post(`${base}/progress`, { current_epoch: 1, total_epochs: 2, metrics: { loss: 0.5 } })).toEqual({
      status: 'running',
      should_continue: true,
    })
    await post(`${base}/log`, { level: 'WARNING', message: 'low on disk', event_type: 'disk', data: { free: 1 } })
    const validation = {
      epoch: 1,
      metrics: { accuracy: 0.75, loss: 0.4 },
      per_class_metrics: { circle: { accuracy: 1 } },
    }
    await post('/api/v1/validation/jobs/{id}/results', validation)
    await post(`${base}/completion`, { status: 'COMPLETED', final_metrics: { accuracy: 0.9 }, best_epoch: 2 })
    expect((await events()).map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'started'],
      [2, 'progress'],
      [3, 'log'],
      [4, 'validation'],
      [5, 'completed'],
    ])
    expect((await events())[3]?.body).toMatchObject({
      primary: { name: 'accuracy', value: 0.75, goal: 'maximize' },
      perClass: { circle: { accuracy: 1 } },
    })
    expect(await harness.getJob(jobId)).toMatchObject({
      state: 'succeeded',
      progress: { epoch: 1, totalEpochs: 2 },
      result: { operation: 'train', metrics: { accuracy: 0.9 }, bestEpoch: 2 },
    })
  })

  it('report a prediction with its results', async () => {
    const { jobId, post, events } = await open()
    await become(jobId, 'predict')
    const base = '/api/v1/test_inference/inference/jobs/{id}/callback'
    await post(`${base}/started`, { runtime: 'curl 8' })
    const predictions = [{ class_id: 0, class_name: 'circle', confidence: '0.9', bbox: [1, 2, 3, 4] }]
    const results = [{ image_name: 'a.png', predictions, inference_time_ms: 12 }, { image_name: 'b.png' }]
    await post(`${base}/completion`, { status: 'success', results, avg_inference_time_ms: '6.5' })
    expect((await events()).map(({ type }) => type)).toEqual(['started', 'prediction', 'prediction', 'completed'])
    expect((await events())[1]?.body).toMatchObject({ predictions: [{ className: 'circle', confidence: 0.9 }] })
    expect((await harness.getJob(jobId)).result).toEqual({
      operation: 'predict',
      imageCount: 2,
      avgInferenceTimeMs: 6.5,
    })
  })

  it('report an export and its failure', async () => {
    const good = await open()
    await become(good.jobId, 'export')
    const base = '/api/v1/export/jobs/{id}/callback'
    await good.post(`${base}/started`, '')
    const wrong = await good.post(`${base}/completion`, { status: 'done' }, 400)
    expect(wrong).toMatchObject({ issues: [{ path: 'artifact_id' }] })
    await good.post(`${base}/completion`, { status: 'done', artifact_id: 'art_1', metadata: { opset: 17 } })
    expect((await harness.getJob(good.jobId)).result).toEqual({
      operation: 'export',
      format: 'onnx',
      artifactId: 'art_1',
      metadata: { opset: 17 },
    })
    const bad = await open()
    await become(bad.jobId, 'export')
    await bad.post(`${base}/completion`, {
      status: 'error',
      error_message: 'no such layer',
      error_type: 'FrameworkError',
    })
    expect(await harness.getJob(bad.jobId)).toMatchObject({
      state: 'failed',
      error: { errorType: 'FrameworkError', message: 'no such layer' },
    })
  })

  it('accept common mistakes of hand-written calls', async () => {
    const { jobId, post } = await open()
    await post('/v1/jobs/{id}/heartbeat', '')
    await post('/v1/jobs/{id}/heartbeat', {
      epoch: '3',
      total_epochs: ' 10 ',
      step: null,
      progress: '30',
      trace_id: 7,
      metrics: { loss: '0.25', lr: '1e-3', grad: 'nan', up: '-inf', gone: null },
    })
    expect(await harness.getJob(jobId)).toMatchObject({
      progress: { epoch: 3, totalEpochs: 10 },
      latestMetrics: { loss: 0.25, lr: 0.001, grad: 'NaN', up: '-Infinity' },
    })
    await post('/v1/jobs/{id}/event', { message: { text: 'not text' }, level: 'Loud' })
    const { lines } = LogPage.parse(await (await harness.request(`/v1/jobs/${jobId}/logs`)).json())
    expect(lines).toMatchObject([
      { level: 'warning', message: expect.stringContaining('"metrics.gone" is null') },
      { level: 'warning', message: expect.stringContaining('"level" is "Loud"; it must be one of "debug", "info"') },
      { level: 'info', message: '{"text":"not text"}' },
    ])
    await post('/v1/jobs/{id}/done', { status: 'Succeeded', final_metrics: { loss: '0.1' } })
    expect((await harness.getJob(jobId)).result).toMatchObject({ metrics: { loss: 0.1 } })
  })

  it.each([
    [{ epoch: 'three', metrics: { loss: 1 } }, 'epoch'],
    [{ epoch: 1, currentEpoch: 'three', metrics: { loss: 1 } }, 'currentEpoch'],
    [{ epoch: 1, totalEpochs: -1, metrics: { loss: 1 } }, 'totalEpochs'],
    [{ epoch: 1, progress: 250, metrics: { loss: 1 } }, 'progress'],
    [{ epoch: 1, metrics: { loss: 1, other: 'low' } }, 'metrics.other'],
    [{ epoch: 1, metrics: { loss: 1, other: null } }, 'metrics.other'],
    [{ epoch: 1, metrics: { loss: 1, extra_metrics: { mAP50: 'high' } } }, 'metrics.extra_metrics.mAP50'],
    [{ epoch: 1, metrics: { loss: 1, primary_metric_value: 'x' } }, 'metrics.primary_metric_value'],
  ])('leave out a field that is wrong, name it, and keep the rest: %j', async (body, field) => {
    const { jobId, post, events } = await open()
    const answer = await post('/v1/jobs/{id}/callback/progress', body)
    expect(answer).toMatchObject({ should_continue: true, warnings: [{ path: field }] })
    await post('/v1/jobs/{id}/callback/progress', body)
    expect((await events()).map(({ type }) => type)).toEqual(['started', 'log', 'progress', 'progress'])
    expect((await events())[1]?.body).toMatchObject({
      level: 'warning',
      message: expect.stringContaining(`"${field}" is`),
    })
    expect(await harness.getJob(jobId)).toMatchObject({ latestMetrics: { loss: 1 } })
  })

  it.each([
    ['[1]', ''],
    ['{"metrics": {"loss": NaN', ''],
  ])('refuse a body that is not a JSON object: %s', async (body, field) => {
    const { post, events } = await open()
    expect(((await post('/v1/jobs/{id}/heartbeat', body, 400)) as Problem).issues?.[0]?.path).toBe(field)
    expect(await events()).toEqual([])
  })

  it.each([
    ['/v1/jobs/{id}/done', {}, 'status'],
    ['/v1/jobs/{id}/done', { status: 'maybe' }, 'status'],
    ['/v1/jobs/{id}/callback/completion', { Status: 'maybe' }, 'status'],
    ['/api/v1/validation/jobs/{id}/results', { metrics: { other: 'x' } }, 'metrics'],
    ['/v1/jobs/{id}/callback/checkpoint', { name: 'best' }, 'artifact_id'],
    ['/v1/jobs/{id}/callback/checkpoint', { artifactId: 'art_none' }, 'artifact_id'],
    ['/v1/jobs/{id}/callback/checkpoint', { artifactId: '' }, 'artifactId'],
  ])('name the field that is wrong: %s %j', async (path, body, field) => {
    const { post, events } = await open()
    const problem = (await post(path, body, 400)) as Problem
    expect(problem.issues?.[0]?.path).toBe(field)
    expect(await events()).toEqual([])
  })

  it('number concurrent calls, each once', async () => {
    const { jobId, post, events } = await open()
    await Promise.all(
      Array.from({ length: 8 }, (_, index) => post('/v1/jobs/{id}/event', { level: 'WARN', message: `line ${index}` })),
    )
    expect((await events()).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    const page = LogPage.parse(await (await harness.request(`/v1/jobs/${jobId}/logs?level=warning`)).json())
    expect(page.lines.map((line) => line.message).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((n) => `line ${n}`))
  })

  it('store the terminal event even if a concurrent call takes its number', async () => {
    for (let round = 0; round < 5; round++) {
      const { jobId, authorization, events } = await open()
      const send = (what: string, body: object) => harness.post(`/v1/jobs/${jobId}/${what}`, body, { authorization })
      const lines = Array.from({ length: 4 }, () => send('event', { level: 'INFO', message: 'a line' }))
      // Calls after the end are rejected.
      await Promise.all([...lines, send('done', { status: 'failed', error: 'out of patience' })])
      expect((await harness.getJob(jobId)).state).not.toBe('running')
      expect((await events()).at(-1)).toMatchObject({ type: 'failed', body: { message: 'out of patience' } })
    }
  })

  it('reject an attempt that uses the journal, and a job with another operation', async () => {
    const journal = await open()
    await journal.send(1, [{ type: 'started' }])
    const path = '/api/v1/training/jobs/{id}/callback/progress'
    expect(await journal.post(path, { epoch: 1 }, 409)).toMatchObject({ code: 'conflict' })
    const other = await open()
    const problem = await other.post('/api/v1/export/jobs/{id}/callback/completion', { status: 'done' }, 409)
    expect(problem).toMatchObject({ code: 'conflict', detail: expect.stringContaining('"train"') })
  })

  it('require the token of the job', async () => {
    const { jobId, authorization } = await open()
    const path = `/api/v1/training/jobs/${jobId}/callback/progress`
    expect((await harness.post(path, {})).status).toBe(401)
    const elsewhere = `/api/v1/training/jobs/${jobId + 1000}/callback/progress`
    expect((await harness.post(elsewhere, {}, { authorization })).status).toBe(403)
  })
})
