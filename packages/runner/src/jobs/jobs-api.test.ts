import { Job, JobCheck, JobList, MetricSeriesList, Problem } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { insertFiles } from '../datasets/testing/insert-files.ts'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'

describe('the jobs API', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
  })
  afterAll(() => harness.close())
  const refused = async (body: unknown) => {
    const response = await harness.post('/v1/jobs', body)
    expect(response.headers.get('content-type')).toContain('application/problem+json')
    return Problem.parse(await response.json())
  }
  const valid = () => ({ trainer: 'acme/plain@^1.2', dataset: harness.datasetId })
  const countJobs = async () => JobList.parse(await (await harness.request('/v1/jobs?limit=200')).json()).jobs.length

  it('queues a job with defaults and preset applied, split into basic and advanced settings', async () => {
    const job = await harness.createJob({ preset: 'long', config: { epochs: 7, epoch_ms: 1 } })
    expect(job).toMatchObject({
      state: 'queued',
      attempt: 1,
      taskType: 'classification',
      model: 'tiny',
      trainer: { name: 'acme/plain', version: '1.2.3' },
      dataset: { id: 'ds_test', name: 'shapes' },
      config: {
        basic: { epochs: 7, optimizer: 'adam' },
        advanced: { epoch_ms: 1, ending: 'completed', fail_attempts: 0 },
      },
    })
  })

  it.each([
    ['epochs of the wrong type', { config: { epochs: 'many' } }, 'config.epochs', 'many', 'must be a whole number'],
    ['epochs out of range', { config: { epochs: 0 } }, 'config.epochs', 0, 'must be at least 1'],
    ['an unknown setting', { config: { lr: 1 } }, 'config.lr', undefined, 'epochs, optimizer'],
    ['a value outside its list', { config: { optimizer: 'lion' } }, 'config.optimizer', 'lion', '"sgd", "adam"'],
    ['an unknown preset', { preset: 'huge' }, 'preset', 'huge', 'long'],
    ['an unknown dataset', { dataset: 'ds_none' }, 'dataset', 'ds_none', 'registered dataset'],
    ['no dataset', { dataset: undefined }, 'dataset', undefined, 'required'],
    ['a model for another task', { model: 'boxes' }, 'model', 'boxes', 'tiny'],
    ['an unsupported task', { taskType: 'pose' }, 'taskType', 'pose', 'classification, detection'],
    ['an operation without an entry point', { operation: 'predict' }, 'operation', 'predict', 'train, export'],
    ['an export without a checkpoint', { operation: 'export' }, 'checkpoint', undefined, 'required'],
    ['an export to an unknown format', { operation: 'export', exportFormat: 'zip' }, 'exportFormat', 'zip', 'onnx'],
    ['an unknown checkpoint', { checkpoint: 'art_none' }, 'checkpoint', 'art_none', 'exists'],
    ['a range that no version satisfies', { trainer: 'acme/plain@^9' }, 'trainer', 'acme/plain@^9', '1.2.3'],
    ['an invalid range', { trainer: 'acme/plain@soon' }, 'trainer', 'acme/plain@soon', 'not a version range'],
  ])(
    'rejects %s with 422 and names the field, the value and what is expected',
    async (_, change, path, value, expected) => {
      const before = await countJobs()
      const problem = await refused({ ...valid(), ...change })
      expect(problem.status).toBe(422)
      const issue = problem.issues?.find((one) => one.path === path)
      expect(issue?.detail).toContain(expected)
      expect(issue?.value).toEqual(value)
      expect(await countJobs()).toBe(before)
    },
  )

  it('reports the inputs of a job that a caller needs to create it again', async () => {
    await insertFiles(harness.runner.context.database, harness.datasetId, { paths: ['a.png', 'b.png'], sizeBytes: 1 })
    const split = { ratios: { train: 0.5, val: 0.5, test: 0 }, seed: 'x', stratify: true }
    const { id } = await harness.createJob({ split, deadlineSeconds: 600 })
    const job = Job.parse(await (await harness.request(`/v1/jobs/${id}`)).json())
    expect(job).toMatchObject({ split, deadlineSeconds: 600 })
    const plain = await harness.createJob()
    const other = Job.parse(await (await harness.request(`/v1/jobs/${plain.id}`)).json())
    expect(other).not.toHaveProperty('split')
  })

  it('names the existing trainers when the requested one does not exist', async () => {
    const problem = await refused({ ...valid(), trainer: 'acme/other' })
    expect(problem).toMatchObject({
      status: 404,
      code: 'not_found',
      issues: [{ path: 'trainer', value: 'acme/other' }],
    })
    expect(problem.detail).toContain('acme/plain')
  })

  it('checks a request without creating a job', async () => {
    const before = await countJobs()
    const check = async (change: object) => {
      const response = await harness.post('/v1/jobs/check', { ...valid(), ...change })
      expect(response.status).toBe(200)
      return JobCheck.parse(await response.json())
    }
    expect(await check({})).toMatchObject({ trainer: { name: 'acme/plain', version: '1.2.3' }, issues: [] })
    const { issues } = await check({ dataset: undefined, config: { epoch: 1, epochs: 0 }, queue: 'nightly' })
    expect(issues.map(({ path }) => path).sort()).toEqual(['config.epoch', 'config.epochs', 'dataset', 'queue'])
    expect(issues.find(({ path }) => path === 'config.epoch')?.detail).toContain(
      '; did you mean "epochs"? Its settings',
    )
    expect((await harness.post('/v1/jobs/check', { ...valid(), trainer: 'acme/other' })).status).toBe(404)
    expect((await harness.post('/v1/jobs/check', { ...valid(), nonsense: 1 })).status).toBe(400)
    expect(await countJobs()).toBe(before)
  })

  it('reports all invalid fields at once', async () => {
    const problem = await refused({ ...valid(), config: { epochs: -1, optimizer: 'lion', nonsense: 1 } })
    expect(problem.issues?.map((issue) => issue.path).sort()).toEqual([
      'config.epochs',
      'config.nonsense',
      'config.optimizer',
    ])
  })

  it.each([
    ['an unknown field', { trainer: 'acme/plain', epochs: 3 }],
    ['a body that is not an object', [1]],
    ['a number for the trainer', { trainer: 7 }],
  ])('rejects %s with 400', async (_, body) => {
    expect(await refused(body)).toMatchObject({ status: 400, code: 'invalid_request' })
  })

  it('rejects a body that is not JSON, and one without the content type of JSON', async () => {
    const post = (body: string, type: string) =>
      harness.request('/v1/jobs', { method: 'POST', headers: { 'content-type': type }, body })
    expect((await post('{"trainer"', 'application/json')).status).toBe(400)
    expect((await post('trainer=acme', 'text/plain')).status).toBe(400)
  })

  it('refuses text that PostgreSQL cannot store, in names and in queries', async () => {
    const problem = await refused({ ...valid(), name: 'a\u0000b' })
    expect(problem).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(problem.detail).toContain('U+0000')
    const job = await harness.createJob({})
    expect((await harness.request(`/v1/jobs/${job.id}/logs?search=%00`)).status).toBe(400)
    expect((await harness.request('/v1/jobs?trainer=%00')).status).toBe(400)
  })

  it('does not pollute prototypes with settings of hostile names', async () => {
    const body = `{"trainer":"acme/plain","dataset":"ds_test","config":{"__proto__":{"polluted":true},"constructor":1}}`
    const response = await harness.request('/v1/jobs', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    expect([201, 422]).toContain(response.status)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('returns the same job for the same idempotency key, also to concurrent requests', async () => {
    const body = { ...valid(), idempotencyKey: 'once' }
    const answers = await Promise.all(Array.from({ length: 8 }, () => harness.post('/v1/jobs', body)))
    const ids = await Promise.all(answers.map(async (answer) => Job.parse(await answer.json()).id))
    expect(new Set(ids).size).toBe(1)
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1)
    expect(await refused({ ...body, name: 'another' })).toMatchObject({ status: 409, code: 'conflict' })
  })

  it('lists jobs newest first, each on exactly one page', async () => {
    for (let count = 0; count < 5; count++) await harness.createJob()
    const seen: number[] = []
    let cursor: string | undefined
    do {
      const query = cursor === undefined ? '' : `&cursor=${cursor}`
      const page = JobList.parse(await (await harness.request(`/v1/jobs?limit=2${query}`)).json())
      seen.push(...page.jobs.map((job) => job.id))
      cursor = page.nextCursor
      if (seen.length === 2) await harness.createJob()
    } while (cursor !== undefined)
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => b - a))
    expect(seen.at(-1)).toBe(1)
  })

  it('filters by state and trainer', async () => {
    const job = await harness.createJob()
    await harness.request(`/v1/jobs/${job.id}/cancel`, { method: 'POST' })
    const cancelled = JobList.parse(await (await harness.request('/v1/jobs?state=cancelled&trainer=acme/plain')).json())
    expect(cancelled.jobs.map((one) => one.id)).toEqual([job.id])
    expect((await harness.request('/v1/jobs?state=asleep')).status).toBe(400)
    expect(JobList.parse(await (await harness.request('/v1/jobs?trainer=acme/none')).json()).jobs).toEqual([])
  })

  it('cancels a queued job at once, and accepts a repeated cancel', async () => {
    const job = await harness.createJob()
    for (const _ of [1, 2]) {
      const response = await harness.request(`/v1/jobs/${job.id}/cancel`, { method: 'POST' })
      expect(await response.json()).toMatchObject({ state: 'cancelled', endReason: 'cancelled_by_user' })
    }
  })

  it('restarts and deletes only jobs that have ended', async () => {
    const job = await harness.createJob()
    expect((await harness.request(`/v1/jobs/${job.id}/restart`, { method: 'POST' })).status).toBe(409)
    expect((await harness.request(`/v1/jobs/${job.id}`, { method: 'DELETE' })).status).toBe(409)
    await harness.request(`/v1/jobs/${job.id}/cancel`, { method: 'POST' })
    expect((await harness.request(`/v1/jobs/${job.id}`, { method: 'DELETE' })).status).toBe(204)
  })

  it.each(['', '/metrics', '/logs', '/events', '/artifacts', '/live'])(
    'returns 404 for %s of an unknown job',
    async (path) => {
      expect((await harness.request(`/v1/jobs/987654${path}`)).status).toBe(404)
    },
  )

  it.each(['abc', '0', '-1', '1.5', '99999999999999999999'])('rejects the job number %s', async (id) => {
    expect((await harness.request(`/v1/jobs/${id}`)).status).toBe(400)
  })

  it('downsamples a long series to the requested points and keeps its spike', async () => {
    const journal = await openJournal(harness)
    for (let batch = 0; batch < 5; batch++) {
      const events = Array.from({ length: 1000 }, (_, index) => {
        const step = batch * 1000 + index + 1
        return { type: 'progress', step, metrics: { loss: step === 3333 ? 1e6 : 1 / step } }
      })
      expect((await journal.send(batch * 1000 + 1, events)).status).toBe(200)
    }
    const response = await harness.request(`/v1/jobs/${journal.jobId}/metrics?name=loss&points=100`)
    const { series } = MetricSeriesList.parse(await response.json())
    expect(series[0]?.count).toBe(5000)
    expect(series[0]?.points.length).toBeLessThanOrEqual(102)
    expect(series[0]?.points).toContainEqual(expect.objectContaining({ step: 3333, value: 1e6 }))
  })

  it('searches logs by level and text, and continues after a line', async () => {
    const journal = await openJournal(harness)
    const log = (level: string, message: string) => ({ type: 'log', level, message })
    await journal.send(1, [log('debug', 'Alpha'), log('warning', 'beta 100%'), log('error', 'gamma_alpha')])
    const read = async (query: string) => {
      const page = await (await harness.request(`/v1/jobs/${journal.jobId}/logs?${query}`)).json()
      return (page as { lines: { id: number; message: string }[] }).lines
    }
    expect((await read('level=warning')).map((line) => line.message)).toEqual(['beta 100%', 'gamma_alpha'])
    expect((await read('search=ALPHA')).map((line) => line.message)).toEqual(['Alpha', 'gamma_alpha'])
    expect((await read('search=%25')).map((line) => line.message)).toEqual(['beta 100%'])
    const [first] = await read('limit=1')
    expect((await read(`after=${first?.id}`)).map((line) => line.message)).toEqual(['beta 100%', 'gamma_alpha'])
  })
})
