import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '@trainyard/platform'
import { testDatabaseUrl } from '@trainyard/platform/testing'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runnerOpenApi } from './app.ts'
import { type RunnerServer, serveRunner } from './serve.ts'

describe('the runner as a server', () => {
  const schema = `runner_${randomBytes(6).toString('hex')}`
  let dir: string
  let server: RunnerServer
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-serve-'))
    server = await serveRunner({
      DATABASE_URL: testDatabaseUrl(),
      RUNNER_DATABASE_SCHEMA: schema,
      DATA_DIR: dir,
      PORT: '0',
      LOG_LEVEL: 'silent',
      STORAGE_SECRET: 'at least sixteen characters',
    })
  })
  afterAll(async () => {
    await server.stop()
    const database = await openDatabase({ url: testDatabaseUrl(), schema: `${schema}_x`, migrations: {} })
    await sql`drop schema ${sql.id(schema)} cascade`.execute(database.db)
    await sql`drop schema ${sql.id(`${schema}_x`)} cascade`.execute(database.db)
    await database.close()
    await rm(dir, { recursive: true, force: true })
  })

  const asOwner = async (path: string, init: RequestInit = {}) => {
    const token = (await readFile(join(dir, 'owner-token'), 'utf8')).trim()
    return await fetch(`${server.url}${path}`, {
      ...init,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    })
  }

  it.each(['/healthz', '/readyz', '/openapi.json'])('answers %s to everyone', async (path) => {
    expect((await fetch(`${server.url}${path}`)).status).toBe(200)
  })

  it.each(['/v1/jobs', '/v1/datasets'])(
    'answers %s to the owner only, whose token is in the data folder',
    async (path) => {
      expect((await asOwner(path)).status).toBe(200)
      expect((await fetch(`${server.url}${path}`)).status).toBe(401)
      expect((await stat(join(dir, 'owner-token'))).mode & 0o777).toBe(0o600)
    },
  )

  it('refuses to listen beyond loopback without accounts', async () => {
    const env = { DATABASE_URL: testDatabaseUrl(), HOST: '0.0.0.0', PORT: '0', STORAGE_SECRET: 'at least sixteen' }
    await expect(serveRunner(env)).rejects.toThrow(/HOST is "0\.0\.0\.0".*AUTH=required/)
  })

  it('answers an unknown path with a problem document', async () => {
    const response = await asOwner('/v1/nothing')
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toContain('application/problem+json')
  })

  it('refuses to create jobs without a registry and names the missing setting', async () => {
    const response = await asOwner('/v1/jobs', {
      method: 'POST',
      body: JSON.stringify({ trainer: 'acme/plain', dataset: 'ds_1' }),
    })
    expect(response.status).toBe(422)
    expect(await response.text()).toContain('REGISTRY_URL')
  })
})

describe('the OpenAPI document', () => {
  it('describes every path without a database', () => {
    const { openapi, paths } = runnerOpenApi() as { openapi: string; paths: Record<string, Record<string, unknown>> }
    expect(openapi).toBe('3.1.0')
    const methods = (path: string) => Object.keys(paths[path] ?? {}).sort()
    expect(methods('/v1/jobs')).toEqual(['get', 'post'])
    expect(methods('/v1/jobs/{id}')).toEqual(['delete', 'get'])
    expect(methods('/v1/jobs/{id}/events')).toEqual(['get', 'post'])
    expect(methods('/v1/jobs/{id}/artifacts')).toEqual(['get', 'post'])
    for (const path of ['cancel', 'restart', 'heartbeat', 'event', 'done', 'artifacts/{artifactId}/complete'])
      expect(methods(`/v1/jobs/{id}/${path}`)).toEqual(['post'])
    for (const path of ['metrics', 'logs', 'live', 'dataset', 'dataset/files', 'inputs/checkpoint'])
      expect(methods(`/v1/jobs/{id}/${path}`)).toEqual(['get'])
    expect(methods('/v1/datasets')).toEqual(['get', 'post'])
  })
})
