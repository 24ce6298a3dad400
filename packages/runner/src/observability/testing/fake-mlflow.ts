import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import { z } from 'zod'

const Pairs = z.array(z.strictObject({ key: z.string(), value: z.string() })).default([])
const Metric = z.strictObject({
  key: z.string().max(250),
  value: z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])]),
  timestamp: z.number().int(),
  step: z.number().int(),
})
const BODIES = {
  createExperiment: z.strictObject({ name: z.string(), tags: Pairs }),
  search: z.strictObject({
    experiment_ids: z.array(z.string()),
    filter: z.string().optional(),
    max_results: z.number().optional(),
  }),
  createRun: z.strictObject({ experiment_id: z.string(), run_name: z.string(), start_time: z.number(), tags: Pairs }),
  logBatch: z.strictObject({
    run_id: z.string(),
    metrics: z.array(Metric).max(1000).default([]),
    params: Pairs,
    tags: Pairs,
  }),
  setTag: z.strictObject({ run_id: z.string(), key: z.string(), value: z.string() }),
  update: z.strictObject({
    run_id: z.string(),
    status: z.enum(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']),
    end_time: z.number(),
  }),
}

interface Run {
  info: { run_id: string; experiment_id: string; status: string; start_time: number; end_time?: number }
  tags: Map<string, string>
  params: Map<string, string>
  /** By key, time, step and value, as in MLflow's tables, so that repeated points are stored once. */
  metrics: Map<string, z.infer<typeof Metric>>
  files: Set<string>
}

/**
 * The parts of an MLflow tracking server that the adapter uses. It behaves like a real server, on which the suite `mlflow` runs
 * the same tests.
 */
export function fakeMlflow(): Hono {
  const experiments = new Map<string, string>()
  const runs = new Map<string, Run>()
  const app = new Hono()
  const refuse = (error_code: string, status: 400 | 404) =>
    Response.json({ error_code, message: error_code }, { status })
  const pairs = (map: Map<string, string>) => [...map].map(([key, value]) => ({ key, value }))
  const view = ({ info, tags, params, metrics }: Run) => ({
    info,
    data: {
      tags: pairs(tags),
      params: pairs(params),
      metrics: [...new Set([...metrics.values()].map(({ key }) => key))].map((key) => ({ key })),
    },
  })
  const api = '/api/2.0/mlflow'
  const runOf = (id: string | undefined): Run => {
    const run = runs.get(id ?? '')
    if (run === undefined) throw new Error(`the run ${id} does not exist`)
    return run
  }

  app.get(`${api}/experiments/get-by-name`, (c) => {
    const id = experiments.get(c.req.query('experiment_name') ?? '')
    return id === undefined
      ? refuse('RESOURCE_DOES_NOT_EXIST', 404)
      : c.json({ experiment: { experiment_id: id, lifecycle_stage: 'active' } })
  })
  app.post(`${api}/experiments/create`, async (c) => {
    const { name } = BODIES.createExperiment.parse(await c.req.json())
    if (experiments.has(name)) return refuse('RESOURCE_ALREADY_EXISTS', 400)
    experiments.set(name, String(experiments.size + 1))
    return c.json({ experiment_id: experiments.get(name) })
  })
  app.post(`${api}/runs/search`, async (c) => {
    const { experiment_ids: ids, filter, max_results: limit = 1000 } = BODIES.search.parse(await c.req.json())
    const [, key = '', value] = /^tags\.`([^`]+)` = '([^']*)'$/.exec(filter ?? '') ?? []
    if (filter !== undefined && value === undefined) return refuse('INVALID_PARAMETER_VALUE', 400)
    const found = [...runs.values()]
      .filter(({ info }) => ids.includes(info.experiment_id))
      .filter(({ tags }) => value === undefined || tags.get(key) === value)
    return c.json({ runs: found.slice(0, limit).map(view) })
  })
  app.post(`${api}/runs/create`, async (c) => {
    const { experiment_id, run_name, start_time, tags } = BODIES.createRun.parse(await c.req.json())
    const run: Run = {
      info: { run_id: randomUUID().replaceAll('-', ''), experiment_id, status: 'RUNNING', start_time },
      tags: new Map([...tags.map(({ key, value }) => [key, value] as const), ['mlflow.runName', run_name]]),
      params: new Map(),
      metrics: new Map(),
      files: new Set(),
    }
    runs.set(run.info.run_id, run)
    return c.json({ run: view(run) })
  })
  app.post(`${api}/runs/log-batch`, async (c) => {
    const { run_id, metrics, params, tags } = BODIES.logBatch.parse(await c.req.json())
    const run = runOf(run_id)
    // MLflow refuses to change the value of a parameter.
    if (params.some(({ key, value }) => (run.params.get(key) ?? value) !== value))
      return refuse('INVALID_PARAMETER_VALUE', 400)
    for (const { key, value } of params) run.params.set(key, value)
    for (const { key, value } of tags) run.tags.set(key, value)
    for (const metric of metrics) run.metrics.set(JSON.stringify(Object.values(metric)), metric)
    return c.json({})
  })
  app.post(`${api}/runs/set-tag`, async (c) => {
    const { run_id, key, value } = BODIES.setTag.parse(await c.req.json())
    runOf(run_id).tags.set(key, value)
    return c.json({})
  })
  app.post(`${api}/runs/update`, async (c) => {
    const { run_id, ...changes } = BODIES.update.parse(await c.req.json())
    Object.assign(runOf(run_id).info, changes)
    return c.json({ run_info: runOf(run_id).info })
  })
  app.get(`${api}/runs/get`, (c) => c.json({ run: view(runOf(c.req.query('run_id'))) }))
  app.get(`${api}/metrics/get-history`, (c) => {
    const { run_id, metric_key } = c.req.query()
    return c.json({ metrics: [...runOf(run_id).metrics.values()].filter(({ key }) => key === metric_key) })
  })
  const files = '/api/2.0/mlflow-artifacts/artifacts'
  app.put(`${files}/:experiment/:run/artifacts/*`, async (c) => {
    await c.req.arrayBuffer()
    const name = decodeURIComponent(c.req.path.split('/artifacts/').at(-1) ?? '')
    runOf(c.req.param('run')).files.add(name)
    return c.json({})
  })
  app.get(files, (c) => {
    const [, run, , ...folder] = (c.req.query('path') ?? '').split('/')
    const prefix = `${folder.join('/')}/`
    const found = [...runOf(run).files].filter((name) => name.startsWith(prefix))
    return c.json({ files: found.map((name) => ({ path: name.slice(prefix.length) })) })
  })
  return app
}
