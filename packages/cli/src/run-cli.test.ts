import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createTrainerFolder,
  exampleManifest,
  type OciReceiver,
  sendJson,
  startOciReceiver,
} from '@trainyard/client/testing'
import type { Check, CheckResult } from '@trainyard/contract'
import { expect, test } from 'vitest'
import { runCli } from './run-cli.ts'

async function run(args: string[], options: { env?: Record<string, string>; cwd?: string; isTTY?: boolean } = {}) {
  let out = ''
  let err = ''
  const code = await runCli(args, {
    stdout: { write: (text) => (out += text), isTTY: options.isTTY ?? false, columns: 80 },
    stderr: { write: (text) => (err += text) },
    env: options.env ?? {},
    cwd: options.cwd ?? '/',
  })
  return { code, out, err }
}

/** A registry whose checks say these things, one after the other. */
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

test('shows its commands, and the help of each with examples', async () => {
  expect(await run(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('publish') })
  for (const name of ['publish', 'dev']) {
    const help = await run([name, '--help'])
    expect(help).toMatchObject({ code: 0, out: expect.stringContaining('Examples:') })
    expect((await run(['help', name])).out).toBe(help.out)
  }
  expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test.each([
  [[], 'Usage: trainyard <command>'],
  [['publsh'], 'there is no command "publsh"'],
  [['constructor'], 'there is no command "constructor"'],
  [['publish', '--frobnicate'], "Unknown option '--frobnicate'"],
  [['publish'], 'which registry? Give --registry URL, set TRAINYARD_REGISTRY'],
  [['publish', 'a', 'b', '--registry', 'http://127.0.0.1:1'], 'one folder at a time, not 2'],
  [['dev', 'evaluate'], 'there is no operation "evaluate"'],
])('wrong usage exits with 2 and says what is wrong: %j', async (args, message) => {
  const { code, out, err } = await run(args)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toContain(message)
})

test('publish exits with 0 and tells each step and check in plain lines', async () => {
  await using registry = await startRegistry(published)
  await using folder = await createTrainerFolder()
  const env = { TRAINYARD_REGISTRY: registry.url, TRAINYARD_TOKEN: 'ty_right' }
  const { code, out, err } = await run(['publish'], { cwd: folder.dir, env })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const said = [
    'Packing 2 files',
    'Pushed acme/tiny@1.2.0',
    'running  manifest',
    'passed   manifest',
    'published: acme/tiny',
  ]
  const positions = said.map((text) => out.indexOf(text))
  expect(positions.every((position) => position >= 0)).toBe(true)
  expect(positions).toEqual(positions.toSorted((a, b) => a - b))
  expect(out).not.toContain('\u001b')
})

test('publish draws a bar on a terminal', async () => {
  await using registry = await startRegistry(published)
  await using folder = await createTrainerFolder()
  const args = ['publish', folder.dir, '--registry', registry.url, '--token', 'ty_right']
  const { out } = await run(args, { isTTY: true })
  expect(out).toContain('] 100 %')
  expect(out).toContain('\r\u001b[2K')
})

test('publish exits with 1 when the trainer is rejected, and shows findings without their control characters', async () => {
  await using registry = await startRegistry(rejected)
  await using folder = await createTrainerFolder()
  await writeFile(join(folder.dir, 'token'), 'ty_right\n')
  const env = { TRAINYARD_REGISTRY: registry.url, TRAINYARD_TOKEN_FILE: 'token' }
  const { code, out } = await run(['publish'], { cwd: folder.dir, env })
  expect(code).toBe(1)
  expect(out).toContain('error TY301 key.pem:3: A private key[2J lies in the bundle')
  expect(out).toContain('Remove it and make a new one. https://trainyard.dev/rules/TY301')
  expect(out).toContain('rejected: acme/tiny@1.2.0')
})

test('publish --json prints one document, of success and of failure', async () => {
  await using registry = await startRegistry(rejected)
  await using folder = await createTrainerFolder()
  const args = ['publish', folder.dir, '--registry', registry.url, '--json']
  const { code, out } = await run([...args, '--token', 'ty_right'])
  expect(code).toBe(1)
  expect(JSON.parse(out)).toMatchObject({
    name: 'acme/tiny',
    checkId: 'chk_1',
    state: 'rejected',
    checks: [secretFound],
  })
  const failed = await run([...args, '--token', 'ty_wrong'])
  expect(failed.code).toBe(3)
  expect(JSON.parse(failed.out)).toMatchObject({ error: { code: 'unauthenticated' } })
})

test('publish --no-wait does not ask for the checks', async () => {
  await using registry = await startRegistry(rejected)
  await using folder = await createTrainerFolder()
  const { code } = await run(['publish', folder.dir, '--registry', registry.url, '--token', 'ty_right', '--no-wait'])
  expect(code).toBe(0)
  expect(registry.requests.filter((request) => request.includes('/v1/checks'))).toEqual([])
})

test('publish exits with 3 when it fails, and says why', async () => {
  await using folder = await createTrainerFolder({ 'trainer.json': '{}' })
  const { code, err } = await run(['publish', folder.dir, '--registry', 'http://127.0.0.1:1'])
  expect(code).toBe(3)
  expect(err).toContain('trainyard publish: ')
  expect(err).toContain('name: ')
})

const recorder = `
import { writeFileSync } from 'node:fs'
const { OPERATION, CALLBACK_URL, CALLBACK_TOKEN, COLOUR } = process.env
writeFileSync('seen.json', JSON.stringify({ args: process.argv.slice(2), OPERATION, CALLBACK_URL, CALLBACK_TOKEN, COLOUR }))
process.exit(5)
`

test('dev runs the entry point without a platform, passes arguments on and exits as it does', async () => {
  await using folder = await createTrainerFolder({ 'train.mjs': recorder })
  const env = { PATH: process.env.PATH ?? '', COLOUR: 'red', CALLBACK_URL: 'http://x', CALLBACK_TOKEN: 'secret' }
  const { code } = await run(['dev', 'train', '--epochs', '3', '--help'], { cwd: folder.dir, env })
  expect(code).toBe(5)
  expect(JSON.parse(await readFile(join(folder.dir, 'seen.json'), 'utf8'))).toEqual({
    args: ['--epochs', '3', '--help'],
    OPERATION: 'train',
    COLOUR: 'red',
  })
  await run(['dev', '--epochs', '1'], { cwd: folder.dir, env })
  expect(JSON.parse(await readFile(join(folder.dir, 'seen.json'), 'utf8'))).toMatchObject({ args: ['--epochs', '1'] })
})

test('dev reports the signal that ended a trainer as a shell does', async () => {
  await using folder = await createTrainerFolder({
    'train.mjs': 'process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000)',
  })
  expect((await run(['dev'], { cwd: folder.dir, env: { PATH: process.env.PATH ?? '' } })).code).toBe(137)
})

test('dev says what a trainer has no entry point for, and which program is missing', async () => {
  const entrypoints = { train: ['no-such-program-here'] }
  await using folder = await createTrainerFolder({
    'trainer.json': JSON.stringify({ ...exampleManifest, entrypoints }),
  })
  const exported = await run(['dev', 'export'], { cwd: folder.dir })
  expect(exported).toMatchObject({ code: 2, err: expect.stringContaining('no entry point for export, only for train') })
  const trained = await run(['dev'], { cwd: folder.dir, env: { PATH: process.env.PATH ?? '' } })
  expect(trained).toMatchObject({ code: 3, err: expect.stringContaining('"no-such-program-here"') })
})
