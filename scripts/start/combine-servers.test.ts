import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { combineServers } from './combine-servers.ts'

const named = (name: string): Hono => {
  const app = new Hono()
  app.get('/readyz', (c) => c.text(name, name === 'runner' ? 503 : 200))
  app.get('/healthz', (c) => c.text(name))
  app.all('*', (c) => c.text(`${name} ${new URL(c.req.url).pathname}`))
  return app
}

const app = combineServers({
  registry: named('registry'),
  runner: named('runner'),
  web: named('web'),
  store: named('store'),
})
const ask = async (path: string): Promise<string> => (await app.request(path)).text()

describe('the servers behind one port', () => {
  test('each path reaches the server that owns it', async () => {
    expect(await ask('/v2/acme/yolo/manifests/1.0.0')).toBe('registry /v2/acme/yolo/manifests/1.0.0')
    expect(await ask('/token')).toBe('registry /token')
    expect(await ask('/v1/trainers/acme/yolo')).toBe('registry /v1/trainers/acme/yolo')
    expect(await ask('/v1/jobs/7/events')).toBe('runner /v1/jobs/7/events')
    expect(await ask('/api/v1/training/jobs/7/callback/log')).toBe('runner /api/v1/training/jobs/7/callback/log')
    expect(await ask('/v1/datasets')).toBe('runner /v1/datasets')
    expect(await ask('/storage/a/b')).toBe('store /storage/a/b')
    expect(await ask('/jobs/7')).toBe('web /jobs/7')
    expect(await ask('/v1/jobsmith')).toBe('web /v1/jobsmith')
  })

  test('each API shows its own OpenAPI document', async () => {
    expect(await ask('/openapi/registry.json')).toBe('registry /openapi.json')
    expect(await ask('/openapi/runner.json')).toBe('runner /openapi.json')
  })

  test('/readyz reports ready only when every server is ready', async () => {
    expect((await app.request('/healthz')).status).toBe(200)
    expect((await app.request('/readyz')).status).toBe(503)
  })
})
