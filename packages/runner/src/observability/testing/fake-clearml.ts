import { z } from 'zod'

/**
 * The requests of ClearML's API 2.23 that the adapter uses, according to its reference
 * (https://clear.ml/docs/latest/docs/references/api/). `clearml/schemas.peers.test.ts` compares them with the schemas of
 * ClearML's own client.
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
/** The parts of a ClearML server that the adapter uses. */
export function fakeClearml() {
  const tasks = new Map<string, Task>()
  const tokens = { valid: 'token-1', logins: 0 }
  const envelope = (data: unknown) => Response.json({ meta: { result_code: 200 }, data })
  const answer = (request: { path: string; headers: Headers; text: string }): Response => {
    const method = request.path.slice(1)
    if (method === 'auth.login') {
      tokens.logins++
      const expected = `Basic ${Buffer.from('key:secret').toString('base64')}`
      return request.headers.get('authorization') === expected
        ? envelope({ token: tokens.valid })
        : Response.json({ meta: { result_code: 401 } }, { status: 401 })
    }
    if (request.headers.get('authorization') !== `Bearer ${tokens.valid}`)
      return Response.json({ meta: { result_code: 401 } }, { status: 401 })
    if (method === 'events.add_batch') {
      if (request.headers.get('content-type') !== 'application/json-lines') return new Response(null, { status: 415 })
      for (const text of request.text.split('\n')) {
        const event = Event.parse(JSON.parse(text))
        const events = tasks.get(event.task)?.events ?? []
        // The server derives a point's id from these, so a repeated point replaces the first one. Lines have no such id.
        const same = (one: z.infer<typeof Event>) =>
          one.type !== 'log' &&
          event.type !== 'log' &&
          one.iter === event.iter &&
          one.metric === event.metric &&
          one.variant === event.variant
        const at = events.findIndex(same)
        if (at < 0) events.push(event)
        else events[at] = event
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
          tasks: [...tasks]
            .filter(([, candidate]) => candidate.tags.includes(body.tags?.[0] ?? ''))
            .map(([id]) => ({ id })),
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
        task?.artifacts.push(...((body.artifacts ?? []) as { key: string }[]).map(({ key }) => key))
        return envelope({ updated: 1 })
      default:
        if (task !== undefined) task.status = method
        return envelope({ updated: 1 })
    }
  }
  return { tasks, tokens, answer }
}
