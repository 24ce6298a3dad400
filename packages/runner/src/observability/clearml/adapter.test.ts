import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { adapterCases, testInfo, testPoint } from '../adapter.cases.ts'
import { startReceiver } from '../testing/receiver.ts'
import { createClearmlAdapter } from './index.ts'

/**
 * The requests of ClearML's API 2.23 that are used, as its reference describes them
 * (https://clear.ml/docs/latest/docs/references/api/). There is no server to be had for tests: this is the contract only.
 */
const State = z.strictObject({
  task: z.string(),
  force: z.boolean(),
  status_reason: z.string().optional(),
  status_message: z.string().optional(),
})
const REQUESTS: Record<string, z.ZodType> = {
  'projects.get_all': z.strictObject({ name: z.string(), only_fields: z.array(z.string()) }),
  'projects.create': z.strictObject({ name: z.string().min(3), description: z.string() }),
  'tasks.get_all': z.strictObject({
    project: z.array(z.string()),
    tags: z.array(z.string()),
    only_fields: z.array(z.string()),
    page: z.number(),
    page_size: z.number(),
  }),
  'tasks.create': z.strictObject({
    name: z.string().min(3),
    type: z.enum(['training', 'testing', 'inference', 'data_processing', 'application', 'monitor', 'custom']),
    project: z.string(),
    tags: z.array(z.string()),
    comment: z.string(),
  }),
  'tasks.started': State,
  'tasks.completed': State,
  'tasks.failed': State,
  'tasks.stopped': State,
  'tasks.edit_hyper_params': z.strictObject({
    task: z.string(),
    hyperparams: z.array(z.strictObject({ section: z.string(), name: z.string(), value: z.string() })),
    replace_hyperparams: z.enum(['none', 'section', 'all']),
    force: z.boolean(),
  }),
  'tasks.add_or_update_artifacts': z.strictObject({
    task: z.string(),
    force: z.boolean(),
    artifacts: z.array(
      z.strictObject({
        key: z.string(),
        type: z.string(),
        mode: z.enum(['input', 'output']),
        uri: z.string(),
        hash: z.string(),
        content_size: z.number().int(),
        timestamp: z.number().int(),
        type_data: z.strictObject({ content_type: z.string() }),
      }),
    ),
  }),
}
const Event = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('training_stats_scalar'),
    task: z.string(),
    metric: z.string(),
    variant: z.string(),
    iter: z.number().int(),
    value: z.number(),
    timestamp: z.number(),
  }),
  z.strictObject({
    type: z.literal('log'),
    task: z.string(),
    level: z.enum(['notset', 'debug', 'verbose', 'info', 'warn', 'warning', 'error', 'fatal', 'critical']),
    worker: z.string(),
    msg: z.string(),
    timestamp: z.number(),
  }),
])

interface Task {
  tags: string[]
  params: Record<string, string>
  artifacts: string[]
  events: z.infer<typeof Event>[]
  status: string
}
const ENDS = { 'tasks.completed': 'succeeded', 'tasks.failed': 'failed', 'tasks.stopped': 'cancelled' } as const

/** As much of a server as the contract describes. */
function fakeClearml() {
  const tasks = new Map<string, Task>()
  const tokens = { valid: 'token-1', logins: 0 }
  const envelope = (data: unknown) => Response.json({ meta: { result_code: 200 }, data })
  const answer = (request: { path: string; headers: Headers; text: string }): Response => {
    const method = request.path.slice(1)
    if (method === 'auth.login') {
      tokens.logins++
      const wanted = `Basic ${Buffer.from('key:secret').toString('base64')}`
      return request.headers.get('authorization') === wanted
        ? envelope({ token: tokens.valid })
        : Response.json({ meta: { result_code: 401 } }, { status: 401 })
    }
    if (request.headers.get('authorization') !== `Bearer ${tokens.valid}`)
      return Response.json({ meta: { result_code: 401 } }, { status: 401 })
    if (method === 'events.add_batch') {
      expect(request.headers.get('content-type')).toBe('application/json-lines')
      for (const text of request.text.split('\n')) {
        const event = Event.parse(JSON.parse(text))
        tasks.get(event.task)?.events.push(event)
      }
      return envelope({ added: 1 })
    }
    const body = REQUESTS[method]?.parse(JSON.parse(request.text)) as Record<string, never>
    if (body === undefined) return Response.json({ meta: { result_code: 400 } }, { status: 400 })
    const task = tasks.get(body.task ?? '')
    switch (method) {
      case 'projects.get_all':
        return envelope({ projects: [] })
      case 'projects.create':
        return envelope({ id: 'project' })
      case 'tasks.get_all':
        return envelope({
          tasks: [...tasks].filter(([, one]) => one.tags.includes(body.tags?.[0] ?? '')).map(([id]) => ({ id })),
        })
      case 'tasks.create':
        tasks.set(`task-${tasks.size}`, {
          tags: body.tags ?? [],
          params: {},
          artifacts: [],
          events: [],
          status: 'created',
        })
        return envelope({ id: `task-${tasks.size - 1}` })
      case 'tasks.edit_hyper_params':
        for (const { name, value } of (body.hyperparams ?? []) as { name: string; value: string }[])
          if (task !== undefined) task.params[name] = value
        return envelope({ updated: 1 })
      case 'tasks.add_or_update_artifacts':
        task?.artifacts.push(...((body.artifacts ?? []) as { key: string }[]).map((one) => one.key))
        return envelope({ updated: 1 })
      default:
        if (task !== undefined) task.status = method
        return envelope({ updated: 1 })
    }
  }
  return { tasks, tokens, answer }
}

const clearml = fakeClearml()
let server: Awaited<ReturnType<typeof startReceiver>>
beforeAll(async () => {
  server = await startReceiver(clearml.answer)
})
afterAll(async () => await server.close())
const create = (apiHost = server.url) =>
  createClearmlAdapter({
    apiHost,
    webHost: 'http://clearml.test',
    accessKey: 'key',
    secretKey: 'secret',
    project: 'Trainyard',
  })

adapterCases(
  { name: 'clearml', idempotent: false, notFinite: false, anyName: true, params: true, ends: true },
  async () => ({
    create,
    createDead: () => create('http://127.0.0.1:9'),
    async read(_adapter, { task: id }) {
      const task = clearml.tasks.get(String(id))
      const events = task?.events ?? []
      const state = Object.entries(ENDS).find(([method]) => method === task?.status)?.[1]
      return {
        points: events.flatMap((event) =>
          event.type === 'log'
            ? []
            : [{ name: event.variant, step: event.iter, value: event.value, timeMs: event.timestamp }],
        ),
        params: task?.params ?? {},
        artifacts: task?.artifacts ?? [],
        lines: events.flatMap((event) => (event.type === 'log' ? [event.msg] : [])),
        ...(state === undefined ? {} : { state }),
      }
    },
  }),
)

describe('the API of ClearML', () => {
  it('is asked for a new token when the old one is no good any more', async () => {
    const adapter = create()
    const handle = await adapter.start(testInfo(), AbortSignal.timeout(5000))
    clearml.tokens.valid = 'token-2'
    await adapter.logMetrics(handle, [testPoint(1, 1)], AbortSignal.timeout(5000))
    expect(clearml.tasks.get(String(handle.task))?.events).toHaveLength(1)
    expect(adapter.link(handle)).toBe(
      `http://clearml.test/projects/project/experiments/${handle.task}/output/execution`,
    )
  })
})
