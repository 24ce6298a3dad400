import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningServer, runStart, startServer, stopServer } from './server.ts'

let dir: string
let dataDir: string
let server: RunningServer

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainyard-start-'))
  dataDir = join(dir, 'data')
  server = await startServer(dataDir)
})

afterAll(async () => {
  await stopServer(server)
  await rm(dir, { recursive: true, force: true })
})

test('every server answers on one port', async () => {
  for (const path of ['/', '/healthz', '/readyz', '/v1/trainers', '/openapi/runner.json']) {
    expect((await fetch(server.url + path)).status, path).toBe(200)
  }
  expect((await fetch(`${server.url}/v2/`)).status).toBe(401)
})

test('other users of the machine see no job, and the owner gets in by the token and by the printed link, once', async () => {
  expect((await fetch(`${server.url}/v1/jobs`)).status).toBe(401)
  expect((await fetch(`${server.url}/jobs`, { redirect: 'manual' })).headers.get('location')).toBe(
    '/sign-in?to=%2Fjobs',
  )
  const headers = { authorization: `Bearer ${server.token}` }
  expect((await fetch(`${server.url}/v1/jobs`, { headers })).status).toBe(200)
  expect((await stat(join(dataDir, 'owner-token'))).mode & 0o777).toBe(0o600)
  const opened = await fetch(server.link, { redirect: 'manual' })
  expect(opened.status).toBe(303)
  const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? ''
  expect((await fetch(`${server.url}/jobs`, { headers: { cookie }, redirect: 'manual' })).status).toBe(200)
  expect((await fetch(server.link, { redirect: 'manual' })).status).toBe(401)
  const printed = runStart(['--link', '--port', new URL(server.url).port, '--data', dataDir])
  expect(await printed.ended).toBe(0)
  const next = /http:\S+/.exec(printed.output())?.[0] ?? ''
  expect((await fetch(next, { redirect: 'manual' })).status).toBe(303)
})

test('a second start on the same data folder is refused, says who holds it, and disturbs nothing', async () => {
  const second = runStart(['--serve', '--port', '0', '--data', dataDir])
  expect(await second.ended).toBe(1)
  expect(second.output()).toContain(String(server.process.pid))
  expect(second.output()).toContain(dataDir)
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
})

test('a port that is taken is named, and nothing is started', async () => {
  const port = new URL(server.url).port
  const other = join(dir, 'other')
  const second = runStart(['--serve', '--port', port, '--data', other])
  expect(await second.ended).toBe(1)
  expect(second.output()).toContain(port)
  expect(second.output()).toMatch(/in use/)
  await expect(readFile(join(other, 'postgres', 'PG_VERSION'))).rejects.toThrow()
})

test('a data folder that cannot be written is named', async () => {
  const file = join(dir, 'a-file')
  await writeFile(file, '')
  const program = runStart(['--serve', '--port', '0', '--data', join(file, 'data')])
  expect(await program.ended).toBe(1)
  expect(program.output()).toContain(file)
  expect(program.output()).not.toMatch(/\n\s+at /)
})

test('a wrong option is reported with exit code 2', async () => {
  const program = runStart(['--port', 'http'])
  expect(await program.ended).toBe(2)
  expect(program.output()).toContain('"http"')
})

test('a port that another program holds is named', async () => {
  const blocker = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => blocker.once('listening', resolve))
  const address = blocker.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const program = runStart(['--serve', '--port', String(port), '--data', join(dir, 'third')])
  expect(await program.ended).toBe(1)
  expect(program.output()).toContain(String(port))
  blocker.close()
})
