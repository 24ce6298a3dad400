import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
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
  for (const path of ['/', '/jobs', '/healthz', '/readyz', '/v1/trainers', '/v1/jobs', '/openapi/runner.json']) {
    expect((await fetch(server.url + path)).status, path).toBe(200)
  }
  expect((await fetch(`${server.url}/v2/`)).status).toBe(401)
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
