import { readFileSync } from 'node:fs'
import {
  type ArtifactList,
  CreateJobRequest,
  Dataset,
  type DatasetClassCounts,
  type DatasetImage,
  type DatasetImageList,
  DatasetList,
  type Job,
  JobAttemptList,
  JobList,
  type JobValidation,
  JobValidationList,
  type LiveMessage,
  type LogLine,
  type MetricSeriesList,
  type Prediction,
  type ResourceSample,
  type StoredEvent,
  StoredEventPage,
  type Trainer,
  TrainerList,
  type TrainerVersion,
} from '@trainyard/contract'
import { type Context, Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { fakeLogPage } from './fake-log.ts'
import { type FakePeople, fakePeople, fakePeopleRoutes, isSignedIn, unauthenticated } from './fake-people.ts'
import { problem } from './fake-problem.ts'

/** What the scripted APIs know. Change it, or push live messages, while a test runs. */
export interface FakeApi extends FakePeople {
  app: Hono
  fetch: typeof fetch
  trainers: Trainer[]
  versions: TrainerVersion[]
  jobs: Job[]
  datasets: Dataset[]
  images: DatasetImage[]
  /** The archives that were uploaded. */
  uploads: Uint8Array[]
  /** How many uploads fail because the server is away. */
  away: number
  /** Pictures by path. */
  pictures: Record<string, { type: string; body: string | Uint8Array<ArrayBuffer> }>
  /** The jobs that were created, by idempotency key. */
  created: Map<string, CreateJobRequest>
  series: MetricSeriesList['series']
  logs: LogLine[]
  artifacts: ArtifactList['artifacts']
  /** Newest first. */
  predictions: Prediction[]
  /** Why a picture is refused. */
  refusal: string | undefined
  /** Newest first. */
  validations: JobValidation[]
  /** What the job's processes used, oldest first. */
  samples: ResourceSample[]
  facets: JobList['facets']
  events: StoredEvent[]
  /** Bytes at `/storage/{name}`, where artifacts and images lie. */
  stored: Record<string, Uint8Array<ArrayBuffer>>
  /** JSON bodies so far. */
  bodies: unknown[]
  /** Requests so far, as "GET /v1/jobs?limit=25". */
  requests: string[]
  /** Sends a message to everyone who follows a job. */
  push(message: LiveMessage): void
  /** How many follow a job now. */
  followers(): number
}

function fakeFacets(trainers: readonly Trainer[]) {
  const count = (values: (trainer: Trainer) => readonly string[]) => {
    const all = trainers.flatMap(values)
    return [...new Set(all)].map((value) => ({ value, count: all.filter((one) => one === value).length }))
  }
  return {
    task: count(({ taskTypes }) => taskTypes),
    framework: count(({ framework }) => [framework]),
    export: count(({ manifest }) => manifest.exportFormats),
    reads: count(({ manifest }) => manifest.datasetFormats),
    license: count(({ license }) => [license]),
    tier: [],
  }
}

function tableSettings({ basic, advanced }: Job['config']) {
  const all = Object.entries({ ...basic, ...advanced })
  return Object.fromEntries(all.filter(([, value]) => ['number', 'string', 'boolean'].includes(typeof value)))
}

/** Registry and runner in one, answering from lists in memory: enough to draw every page. */
export function createFakeApi(
  state: Partial<
    FakePeople &
      Pick<
        FakeApi,
        | 'trainers'
        | 'versions'
        | 'jobs'
        | 'datasets'
        | 'images'
        | 'pictures'
        | 'away'
        | 'series'
        | 'logs'
        | 'artifacts'
        | 'predictions'
        | 'refusal'
        | 'facets'
        | 'validations'
        | 'samples'
        | 'events'
        | 'stored'
      >
  > = {},
): FakeApi {
  const app = new Hono()
  const followers = new Set<(message: LiveMessage) => void>()
  const api: FakeApi = {
    app,
    fetch: async (input, init) => app.request(input instanceof URL ? input.href : input, init),
    trainers: [],
    versions: [],
    jobs: [],
    datasets: [],
    images: [],
    pictures: {},
    uploads: [],
    away: 0,
    created: new Map(),
    series: [],
    logs: [],
    artifacts: [],
    predictions: [],
    refusal: undefined,
    validations: [],
    samples: [],
    facets: undefined,
    events: [],
    stored: {},
    requests: [],
    bodies: [],
    push: (message) => {
      for (const follower of followers) follower(message)
    },
    followers: () => followers.size,
    ...fakePeople(state),
    ...state,
  }
  const findJob = (c: Context) => api.jobs.find(({ id }) => id === Number(c.req.param('id')))
  const trainerName = (c: Context) => `${c.req.param('ns')}/${c.req.param('name')}`

  app.use(async (c, next) => {
    const { pathname, search } = new URL(c.req.url)
    api.requests.push(`${c.req.method} ${pathname}${search}`)
    await next()
  })
  for (const path of ['/v1/jobs/*', '/v1/datasets/*']) {
    app.use(path, async (c, next) => {
      if (!isSignedIn(api, c)) return unauthenticated()
      return await next()
    })
  }
  app.route('/', fakePeopleRoutes(api))
  app.get('/openapi.json', (c) => {
    const name = c.req.url.includes('registry') ? 'registry' : 'runner'
    return c.json(JSON.parse(readFileSync(new URL(`../../../../docs/openapi/${name}.json`, import.meta.url), 'utf8')))
  })
  app.get('/v1/trainers', (c) => {
    const { q = '', task, framework, cursor } = c.req.query()
    const found = api.trainers.filter(
      (trainer) =>
        `${trainer.name} ${trainer.displayName} ${trainer.description}`.toLowerCase().includes(q.toLowerCase()) &&
        (!task || trainer.taskTypes.some((known) => known === task)) &&
        (!framework || trainer.framework === framework),
    )
    const start = Number(cursor ?? 0)
    const end = start + Number(c.req.query('limit') ?? 20)
    return c.json(
      TrainerList.parse({
        trainers: found.slice(start, end),
        total: found.length,
        nextCursor: end < found.length ? String(end) : undefined,
        facets: fakeFacets(found),
        corrected: q === 'clasifier' ? 'classifier' : undefined,
      }),
    )
  })
  app.get('/v1/trainers/:ns/:name', (c) => {
    const trainer = api.trainers.find(({ name }) => name === trainerName(c))
    return trainer ? c.json(trainer) : problem('not_found', `Trainer "${trainerName(c)}" not found`)
  })
  app.get('/v1/trainers/:ns/:name/versions/:version', (c) => {
    const version = api.versions.find(
      (known) => known.name === trainerName(c) && known.version === c.req.param('version'),
    )
    return version
      ? c.json(version)
      : problem('not_found', `${trainerName(c)} has no version ${c.req.param('version')}`)
  })
  app.get('/v1/trainers/:ns/:name/versions/:version/sbom', (c) =>
    c.json({ bomFormat: 'CycloneDX', specVersion: '1.6', components: [{ name: `of the ${c.req.query('part')}` }] }),
  )
  app.get('/v1/trainers/:ns/:name/versions/:version/readme-picture', (c) => {
    const picture = api.pictures[c.req.query('path') ?? '']
    return picture === undefined ? problem('not_found', 'No such picture') : c.body(picture.body)
  })
  app.get('/v1/trainers/:ns/:name/usage', (c) =>
    c.json({
      days: [3, 0, 12].map((pulls, index) => ({ day: `2026-11-1${index}`, pulls, bots: 1, runs: 2 })),
      versions: [
        { version: '1.4.0', pulls: 15, bots: 3, runs: 9, succeeded: 6, failed: 2, people: 4, medianTrainSeconds: 95 },
      ],
    }),
  )
  app.post('/v1/trainers/:ns/:name/channels', (c) => c.body(null, 204))
  app.delete('/v1/trainers/:ns/:name/channels/:channel', (c) => c.body(null, 204))
  for (const action of ['deprecate', 'yank'] as const) {
    const path = `/v1/trainers/:ns/:name/versions/:version/${action}`
    app.post(path, (c) =>
      c.req.param('version') === '1.3.2' ? problem('conflict', 'already done') : c.body(null, 204),
    )
    app.delete(path, (c) => c.body(null, 204))
  }
  app.get('/v1/jobs', (c) => {
    const { state, operation, details } = c.req.query()
    const found = api.jobs.filter(
      (job) => (!state || job.state === state) && (!operation || job.operation === operation),
    )
    const jobs = found.map(({ config, ...job }) =>
      details === 'true' ? { ...job, settings: tableSettings(config) } : job,
    )
    return c.json(JobList.parse({ jobs, facets: api.facets }))
  })
  app.post('/v1/jobs', async (c) => {
    const request = CreateJobRequest.parse(await c.req.json())
    const issues = Object.entries(request.config)
      .filter(([, value]) => typeof value === 'number' && value < 0)
      .map(([name, value]) => ({ path: `config.${name}`, detail: 'must be at least 1', value }))
    if (issues.length > 0) return problem('unprocessable', 'config is not valid', undefined, issues)
    const [job] = api.jobs
    if (job === undefined) return problem('not_found', 'The fake has no job')
    api.created.set(request.idempotencyKey ?? '', request)
    return c.json(job, 201)
  })
  app.post('/v1/datasets', async (c) => {
    const body = new Uint8Array(await c.req.arrayBuffer())
    const name = c.req.query('name') ?? ''
    if (api.away > 0) {
      api.away -= 1
      return problem('unavailable', 'The database does not respond')
    }
    if (body.length < 100) return problem('unprocessable', 'The archive is empty; expected the files of a dataset')
    const dataset = Dataset.parse({ ...api.datasets[0], id: `ds_up${api.uploads.length}`, name })
    api.uploads.push(body)
    api.datasets.push(dataset)
    return c.json(dataset, 201)
  })
  app.get('/v1/datasets', (c) => c.json(DatasetList.parse({ datasets: api.datasets })))
  const versionsOf = (name: string) => api.datasets.filter(({ id }) => id === name.split('@')[0])
  app.get('/v1/datasets/:id/versions', (c) =>
    c.json({ versions: versionsOf(c.req.param('id')).toSorted((a, b) => b.version - a.version) }),
  )
  app.post('/v1/datasets/:id/versions', async (c) => {
    api.uploads.push(new Uint8Array(await c.req.arrayBuffer()))
    const [first] = versionsOf(c.req.param('id'))
    if (first === undefined) return problem('not_found', 'Dataset does not exist')
    const version = versionsOf(first.id).length + 1
    const dataset = Dataset.parse({ ...first, version, message: c.req.query('message') })
    api.datasets.push(dataset)
    return c.json(dataset, 201)
  })
  app.get('/v1/datasets/:id', (c) => {
    const [id, version] = c.req.param('id').split('@')
    const versions = versionsOf(id ?? '')
    const dataset = version === undefined ? versions.at(-1) : versions.find((one) => one.version === Number(version))
    return dataset ? c.json(dataset) : problem('not_found', `Dataset "${c.req.param('id')}" not found`)
  })
  app.get('/v1/datasets/:id/images', (c) => {
    const { class: classId, split } = c.req.query()
    const images = api.images.filter(
      (image) => (!classId || image.classIds.includes(Number(classId))) && (!split || image.split === split),
    )
    return c.json({ images } satisfies DatasetImageList)
  })
  app.get('/v1/datasets/:id/classes', (c) => {
    const classes = versionsOf(c.req.param('id'))[0]?.classes ?? []
    const splits = { train: 2, val: 1, test: 0 }
    return c.json({
      classes: classes.slice(0, 200).map((one) => ({ ...one, images: 3, splits })),
      total: classes.length,
      unused: 0,
    } satisfies DatasetClassCounts)
  })
  app.get('/v1/datasets/:id/picture', (c) => {
    const picture = api.pictures[c.req.query('path') ?? '']
    return picture ? c.body(picture.body, 200, { 'content-type': picture.type }) : problem('not_found', 'No such image')
  })
  app.get('/v1/datasets/:id/report', (c) => c.html('<style>p{color:red}</style><p>The report</p>'))
  app.delete('/v1/datasets/:id', (c) => {
    const at = api.datasets.findIndex(({ id }) => id === c.req.param('id'))
    if (at < 0) return problem('not_found', 'No such dataset')
    if (api.datasets[at]?.name === 'in use') return problem('conflict', 'Dataset ds_1 is in use by job 42')
    api.datasets.splice(at, 1)
    return c.body(null, 204)
  })
  app.get('/v1/jobs/:id', (c) => {
    const job = findJob(c)
    return job ? c.json(job) : problem('not_found', `Job "${c.req.param('id')}" not found`)
  })
  app.get('/v1/jobs/:id/attempts', (c) => {
    const job = findJob(c)
    if (!job) return problem('not_found', 'There is no such job')
    const attempts = Array.from({ length: job.attempt }, (_, index) => ({
      attempt: job.attempt - index,
      createdAt: job.createdAt,
      startedAt: job.startedAt,
      finishedAt: index === 0 ? job.finishedAt : job.startedAt,
      endReason: index === 0 ? job.endReason : 'out_of_memory',
      error: index === 0 ? undefined : { message: `Attempt ${job.attempt - index} needed <b>more</b> memory` },
      logLines: 7,
    }))
    return c.json(JobAttemptList.parse({ attempts }))
  })
  app.delete('/v1/jobs/:id', (c) => {
    const job = findJob(c)
    if (!job) return problem('not_found', 'There is no such job')
    if (job.finishedAt === undefined)
      return problem('conflict', `Job ${job.id} is ${job.state}; cancel it, then delete it`)
    api.jobs.splice(api.jobs.indexOf(job), 1)
    return c.body(null, 204)
  })
  app.get('/v1/jobs/:id/metrics', (c) =>
    c.json({
      attempt: Number(c.req.query('attempt') ?? 1),
      series: api.series.filter(({ name }) => [undefined, name].includes(c.req.query('name'))),
    }),
  )
  app.get('/v1/jobs/:id/resources', (c) =>
    c.json({ attempt: 1, samples: api.samples, cpuSeconds: api.samples.length === 0 ? undefined : 90 }),
  )
  app.get('/v1/jobs/:id/validations', (c) => c.json(JobValidationList.parse({ validations: api.validations })))
  app.get('/v1/jobs/:id/events', (c) => {
    const start = Number(c.req.query('cursor') ?? 0)
    const end = start + Number(c.req.query('limit') ?? 200)
    const nextCursor = end < api.events.length ? String(end) : undefined
    return c.json(StoredEventPage.parse({ events: api.events.slice(start, end), nextCursor }))
  })
  app.get('/v1/datasets/:id/files', (c) => {
    const path = c.req.query('path') ?? ''
    const bytes = api.stored[path]
    const url = new URL(`/storage/${encodeURIComponent(path)}`, c.req.url).href
    const files = bytes === undefined ? [] : [{ path, sizeBytes: bytes.length, url, expiresAt: '2026-11-21T00:00:00Z' }]
    return c.json({ files })
  })
  app.get('/storage/:name', (c) => {
    const bytes = api.stored[c.req.param('name')]
    // As a hostile store would: the type is a lie.
    return bytes === undefined ? c.notFound() : c.body(bytes, 200, { 'content-type': 'text/html' })
  })
  const pictures = '/v1/jobs/:id/artifacts/:checkpoint/predictions'
  app.get(pictures, (c) => c.json({ predictions: api.predictions }))
  app.post(pictures, async (c) => {
    api.uploads.push(new Uint8Array(await c.req.arrayBuffer()))
    if (api.refusal !== undefined) return problem('unprocessable', api.refusal)
    return c.json(api.predictions[0], 202)
  })
  app.get(`${pictures}/:prediction`, (c) => {
    const found = api.predictions.find(({ id }) => id === c.req.param('prediction'))
    return found === undefined ? problem('not_found', 'The prediction does not exist') : c.json(found)
  })
  app.get('/v1/jobs/:id/artifacts', (c) => c.json({ artifacts: api.artifacts }))
  app.get('/v1/jobs/:id/logs', (c) => c.json(fakeLogPage(api.logs, c.req.query())))
  app.post('/v1/jobs/:id/cancel', (c) => {
    const job = findJob(c)
    if (!job) return problem('not_found', 'There is no such job')
    if (job.finishedAt !== undefined) return problem('conflict', `Job ${job.id} has ended already`)
    job.cancelRequested = true
    return c.json(job)
  })
  app.post('/v1/jobs/:id/restart', async (c) => {
    api.bodies.push(await c.req.json())
    const job = findJob(c)
    if (!job) return problem('not_found', 'There is no such job')
    Object.assign(job, { state: 'pending', attempt: job.attempt + 1 })
    return c.json(job)
  })
  app.get('/v1/jobs/:id/live', (c) => {
    const job = findJob(c)
    if (!job) return problem('not_found', 'There is no such job')
    return streamSSE(c, async (stream) => {
      const send = (message: LiveMessage) => void stream.writeSSE({ data: JSON.stringify(message) })
      const logs = api.logs.slice(-200)
      send({ type: 'snapshot', job, series: api.series, logs, previousLogId: api.logs.at(-201)?.id })
      followers.add(send)
      await new Promise<void>((resolve) => stream.onAbort(resolve))
      followers.delete(send)
    })
  })
  return api
}
