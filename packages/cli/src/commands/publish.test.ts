import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTrainerFolder, type OciReceiver, sendJson, startOciReceiver } from '@trainyard/client/testing'
import type { Check, CheckResult } from '@trainyard/contract'
import { expect, test } from 'vitest'
import { runCommand } from '../testing/run-command.ts'

/** A registry whose check goes through these states. */
async function startRegistry(states: Pick<Check, 'state' | 'checks'>[]): Promise<OciReceiver> {
  const registry = await startOciReceiver('ty_right')
  registry.intercept = (request, response) => {
    if (!request.url?.startsWith('/v1/checks/chk_1')) return false
    const checks = states.map(
      (part): Check => ({
        id: 'chk_1',
        trainer: 'acme/tiny',
        version: '1.2.0',
        digest: `sha256:${'0'.repeat(64)}`,
        createdAt: '2026-11-20T09:30:00.000Z',
        ...part,
      }),
    )
    if (!request.url.endsWith('/live')) sendJson(response, 200, checks.at(-1))
    else {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(checks.map((check) => `data: ${JSON.stringify({ type: 'check', check })}\n\n`).join(''))
    }
    return true
  }
  return registry
}

const secretFound: CheckResult = {
  name: 'secrets',
  status: 'failed',
  findings: [
    {
      code: 'TY301',
      severity: 'error',
      message: 'A private key\u001b[2J lies in the bundle',
      file: 'key.pem',
      line: 3,
      fingerprint: 'f1',
      help: 'Remove it and make a new one.',
      docsUrl: 'https://trainyard.dev/rules/TY301',
    },
  ],
}
const published = [
  { state: 'checking' as const, checks: [{ name: 'manifest', status: 'running' as const, findings: [] }] },
  { state: 'published' as const, checks: [{ name: 'manifest', status: 'passed' as const, findings: [] }] },
]
const rejected = [{ state: 'rejected' as const, checks: [secretFound] }]

test('exits with 0 and prints each step and check in plain lines', async () => {
  await using registry = await startRegistry(published)
  await using folder = await createTrainerFolder()
  const env = { TRAINYARD_REGISTRY: registry.url, TRAINYARD_TOKEN: 'ty_right' }
  const { code, out, err } = await runCommand(['publish'], { cwd: folder.dir, env })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const lines = [
    'Packing 2 files',
    'Pushed acme/tiny@1.2.0',
    'running  manifest',
    'passed   manifest',
    'published: acme/tiny',
  ]
  const positions = lines.map((text) => out.indexOf(text))
  expect(positions.every((position) => position >= 0)).toBe(true)
  expect(positions).toEqual(positions.toSorted((a, b) => a - b))
  expect(out).not.toContain('\u001b')
})

test('draws a bar on a terminal', async () => {
  await using registry = await startRegistry(published)
  await using folder = await createTrainerFolder()
  const args = ['publish', folder.dir, '--registry', registry.url, '--token', 'ty_right']
  const { out } = await runCommand(args, { isTTY: true })
  expect(out).toContain('] 100 %')
  expect(out).toContain('\r\u001b[2K')
})

test('exits with 1 when the trainer is rejected, and removes control characters from findings', async () => {
  await using registry = await startRegistry(rejected)
  await using folder = await createTrainerFolder()
  await writeFile(join(folder.dir, 'token'), 'ty_right\n')
  const env = { TRAINYARD_REGISTRY: registry.url, TRAINYARD_TOKEN_FILE: 'token' }
  const { code, out } = await runCommand(['publish'], { cwd: folder.dir, env })
  expect(code).toBe(1)
  expect(out).toContain('error TY301 key.pem:3: A private key[2J lies in the bundle')
  expect(out).toContain('Remove it and make a new one. https://trainyard.dev/rules/TY301')
  expect(out).toContain('rejected: acme/tiny@1.2.0')
})

test('--json prints one document for results and for errors', async () => {
  await using registry = await startRegistry(rejected)
  await using folder = await createTrainerFolder()
  const args = ['publish', folder.dir, '--registry', registry.url, '--json']
  const { code, out } = await runCommand([...args, '--token', 'ty_right'])
  expect(code).toBe(1)
  expect(JSON.parse(out)).toMatchObject({
    name: 'acme/tiny',
    checkId: 'chk_1',
    state: 'rejected',
    checks: [secretFound],
  })
  const failed = await runCommand([...args, '--token', 'ty_wrong'])
  expect(failed.code).toBe(3)
  expect(JSON.parse(failed.out)).toMatchObject({ error: { code: 'unauthenticated' } })
})

test('--no-wait does not request the checks', async () => {
  await using registry = await startRegistry(rejected)
  await using folder = await createTrainerFolder()
  const { code } = await runCommand([
    'publish',
    folder.dir,
    '--registry',
    registry.url,
    '--token',
    'ty_right',
    '--no-wait',
  ])
  expect(code).toBe(0)
  expect(registry.requests.filter((request) => request.includes('/v1/checks'))).toEqual([])
})

test('exits with 3 when it fails, and names the reason', async () => {
  await using folder = await createTrainerFolder({ 'trainer.json': '{}' })
  const { code, err } = await runCommand(['publish', folder.dir, '--registry', 'http://127.0.0.1:1'])
  expect(code).toBe(3)
  expect(err).toContain('trainyard publish: ')
  expect(err).toContain('name: ')
})

test('checks follows a push by its id, with the time of each check, and exits with 1 when it was rejected', async () => {
  await using registry = await startRegistry([{ state: 'rejected', checks: [{ ...secretFound, durationMs: 2300 }] }])
  const env = { TRAINYARD_REGISTRY: registry.url, TRAINYARD_TOKEN: 'ty_right' }
  const { code, out } = await runCommand(['checks', 'chk_1'], { env })
  expect(code).toBe(1)
  expect(out).toContain('failed   secrets (2.3 s)')
  expect(out).toContain('rejected: acme/tiny@1.2.0')
  expect(JSON.parse((await runCommand(['checks', 'chk_1', '--json'], { env })).out)).toMatchObject({
    state: 'rejected',
  })
})

test('checks lists pushes without an id', async () => {
  await using registry = await startRegistry(published)
  const push = {
    id: 'chk_1',
    trainer: 'acme/tiny',
    version: '1.2.0',
    kind: 'image',
    digest: `sha256:${'0'.repeat(64)}`,
    state: 'checking',
    running: 'secrets',
    errors: 2,
    warnings: 0,
    pushedByCaller: true,
    createdAt: '2026-11-20T09:30:00.000Z',
  }
  registry.intercept = (request, response) => {
    if (!request.url?.startsWith('/v1/pushes')) return false
    sendJson(response, 200, { pushes: [push] })
    return true
  }
  const { code, out } = await runCommand(['checks'], { env: { TRAINYARD_REGISTRY: registry.url } })
  expect(code).toBe(0)
  expect(out).toMatch(/chk_1\s+acme\/tiny@1\.2\.0\s+image\s+checking: secrets\s+2\s+0\s+2026-11-20 09:30/)
})
