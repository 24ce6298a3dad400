import { Writable } from 'node:stream'
import { createRoute, z } from '@hono/zod-openapi'
import { Problem } from '@trainyard/contract'
import { describe, expect, it } from 'vitest'
import { notFound, TrainyardError } from '../errors.ts'
import { createLogger } from '../log.ts'
import { createApi } from './create-api.ts'
import { mountOpenApi, openApiDocument } from './open-api-document.ts'

const Thing = z.object({ name: z.string().min(2), size: z.number().int() }).openapi('Thing')

const createThing = createRoute({
  method: 'post',
  path: '/things/{id}',
  request: {
    params: z.object({ id: z.string().regex(/^\d+$/, 'must be a number') }),
    body: { required: true, content: { 'application/json': { schema: Thing } } },
  },
  responses: { 200: { description: 'Made', content: { 'application/json': { schema: Thing } } } },
})

function setup() {
  const lines: Record<string, unknown>[] = []
  const destination = new Writable({
    write(chunk, _, done) {
      lines.push(JSON.parse(String(chunk)) as Record<string, unknown>)
      done()
    },
  })
  const logger = createLogger({ name: 'test', level: 'debug', destination })
  const api = createApi({ logger })
  api.openapi(createThing, (c) => c.json(c.req.valid('json'), 200))
  api.get('/broken', () => {
    throw new Error('the secret inner workings')
  })
  api.get('/absent', () => {
    throw notFound('thing', 7)
  })
  api.get('/busy', () => {
    throw new TrainyardError('rate_limited', 'Slow down', { retryAfterSeconds: 1.2, extra: { acknowledged: 4 } })
  })
  api.get('/trace', (c) => c.text(c.get('traceId')))
  const post = (id: string, body: string, type = 'application/json') =>
    api.request(`/things/${id}`, { method: 'POST', body, headers: { 'content-type': type } })
  return { api, lines, logger, post }
}

async function problemOf(response: Response) {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  return Problem.parse(await response.json())
}

describe('an api', () => {
  it('answers an invalid body with 400 and every invalid field', async () => {
    const response = await setup().post('1', JSON.stringify({ name: 'x', size: 1.5 }))
    expect(response.status).toBe(400)
    expect(await problemOf(response)).toMatchObject({
      code: 'invalid_request',
      retryable: false,
      issues: [
        { path: 'name', detail: 'must be at least 2 characters long', value: 'x' },
        { path: 'size', detail: 'must be an integer', value: 1.5 },
      ],
    })
  })

  it('names the part of the request that an invalid parameter belongs to', async () => {
    const response = await setup().post('abc', JSON.stringify({ name: 'xx', size: 1 }))
    expect(await problemOf(response)).toMatchObject({
      issues: [{ path: 'param.id', detail: 'must be a number', value: 'abc' }],
    })
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'nonsense'])(
    'answers JSON with the content type %s with a 400 problem that names the header',
    async (type) => {
      const response = await setup().post('1', JSON.stringify({ name: 'xx', size: 1 }), type)
      expect(response.status).toBe(400)
      expect(await problemOf(response)).toMatchObject({
        code: 'invalid_request',
        issues: [{ path: 'header.content-type', detail: expect.stringContaining(`"${type}"`) }],
      })
    },
  )

  it.each(['{"name":', '', 'null'])('answers the body %j with a 400 problem', async (body) => {
    const response = await setup().post('1', body)
    expect(response.status).toBe(400)
    expect((await problemOf(response)).code).toBe('invalid_request')
  })

  it.each([
    ['/trace?last=%00', 'query.last', 'NUL'],
    ['/trace?ok=1&q=a%00b', 'query.q', 'NUL'],
    ['/trace?%00=1', 'query', 'NUL'],
    ['/things/a%00b', 'path', 'NUL'],
    ['/trace?q=%zz', 'query.q', 'percent-encoding'],
    ['/trace?q=%ED%A0%80', 'query.q', 'percent-encoding'],
    ['/trace?q=%', 'query.q', 'percent-encoding'],
    ['/trace/%ff', 'path', 'percent-encoding'],
  ])('answers the URL %s with a 400 problem that names the %s', async (url, path, detail) => {
    const response = await setup().api.request(url)
    expect(response.status).toBe(400)
    expect((await problemOf(response)).issues).toEqual([
      expect.objectContaining({
        path: expect.stringMatching(new RegExp(`^${path}`)),
        detail: expect.stringContaining(detail),
      }),
    ])
  })

  it('answers with 400 what the database refuses because of the data, with 503 what it cannot do now', async () => {
    const { api, lines } = setup()
    const fail = (code: string) => () => {
      throw Object.assign(new Error('secret values'), { severity: 'ERROR', code })
    }
    api.get('/data', fail('22021'))
    api.get('/down', fail('57P01'))
    const [data, down] = [await api.request('/data'), await api.request('/down')]
    expect([data.status, down.status, down.headers.get('retry-after')]).toEqual([400, 503, '2'])
    for (const response of [data, down]) expect(JSON.stringify(await problemOf(response))).not.toContain('secret')
    expect(lines.filter(({ err }) => err !== undefined).map(({ level }) => level)).toEqual(['warn', 'warn'])
  })

  it('answers unknown routes and thrown errors with problems', async () => {
    const { api } = setup()
    expect(await problemOf(await api.request('/nowhere'))).toMatchObject({
      code: 'not_found',
      detail: 'No route matches GET /nowhere',
    })
    expect(await problemOf(await api.request('/absent'))).toMatchObject({ code: 'not_found', status: 404 })
    const busy = await api.request('/busy')
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([429, '2'])
    expect(await problemOf(busy)).toMatchObject({ code: 'rate_limited', retryable: true, acknowledged: 4 })
  })

  it('logs the reason of an unexpected error under the trace id that the caller receives', async () => {
    const { api, lines } = setup()
    const response = await api.request('/broken')
    expect(response.status).toBe(500)
    const problem = await problemOf(response)
    expect(JSON.stringify(problem)).not.toContain('inner workings')
    expect(lines.find((line) => line.level === 'error')).toMatchObject({
      traceId: problem.traceId,
      err: { message: 'the secret inner workings' },
    })
  })

  it('continues the caller’s trace, and logs one line without the query', async () => {
    const { api, lines } = setup()
    const traceId = 'a'.repeat(32)
    const headers = { traceparent: `00-${traceId}-${'b'.repeat(16)}-01` }
    const response = await api.request('/trace?signature=hidden', { headers })
    expect(await response.text()).toBe(traceId)
    expect(response.headers.get('traceparent')).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`))
    expect(lines).toEqual([expect.objectContaining({ traceId, method: 'GET', path: '/trace', status: 200 })])
  })

  it('logs routine requests at level debug, unless they fail', async () => {
    const { lines, logger } = setup()
    const api = createApi({ logger, isRoutine: (method, path) => method === 'GET' && path.startsWith('/events') })
    api.get('/events', (c) => c.text('stored'))
    await api.request('/events')
    await api.request('/events/absent')
    await api.request('/events', { method: 'POST' })
    expect(lines.map(({ level, path, status }) => [level, path, status])).toEqual([
      ['debug', '/events', 200],
      ['info', '/events/absent', 404],
      ['info', '/events', 404],
    ])
  })

  it('adds the trace to a response that the handler created itself', async () => {
    const { api } = setup()
    api.get('/own', () => new Response('own'))
    expect((await api.request('/own')).headers.get('traceparent')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  })

  it('logs once and has one trace when an api is mounted into another', async () => {
    const { api, lines, logger } = setup()
    const outer = createApi({ logger })
    outer.route('/inner', api)
    const response = await outer.request('/inner/absent')
    expect(await problemOf(response)).toMatchObject({ code: 'not_found' })
    expect(lines.filter((line) => line.msg === 'request').length).toBe(1)
  })

  it('describes its routes as OpenAPI 3.1', () => {
    const document = openApiDocument(setup().api, { title: 'Things', version: '1' })
    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'Things' },
      paths: { '/things/{id}': { post: {} } },
      components: { schemas: { Thing: { type: 'object' } } },
    })
  })

  it('makes the document once, however often it is asked for', async () => {
    const { api } = setup()
    let made = 0
    mountOpenApi(api, () => {
      made++
      return openApiDocument(api, { title: 'Things', version: '1' })
    })
    for (const _ of [1, 2]) {
      const response = await api.request('/openapi.json')
      expect(await response.json()).toMatchObject({ info: { title: 'Things' } })
    }
    expect(made).toBe(1)
  })
})
