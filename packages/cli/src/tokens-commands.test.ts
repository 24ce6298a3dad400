import { createClient } from '@trainyard/client'
import { startTestRunner, type TestRunner } from '@trainyard/client/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from './run-cli.ts'

let runner: TestRunner
beforeAll(async () => {
  runner = await startTestRunner('')
})
afterAll(() => runner?.[Symbol.asyncDispose]())

async function run(...args: string[]) {
  let out = ''
  let err = ''
  const code = await runCli(['tokens', ...args], {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: { TRAINYARD_RUNNER: runner.url, HOME: '/nonexistent' },
    cwd: '/',
  })
  return { code, out, err }
}

test('a token is made, listed without its secret, used, and revoked', async () => {
  const made = await run('create', 'nightly', '--scope', 'jobs:write', '--scope', 'datasets:read', '--days', '30')
  expect(made, made.err).toMatchObject({ code: 0, out: expect.stringMatching(/^ty_[0-9a-f]{56}\n$/) })
  const secret = made.out.trim()
  const client = createClient({ runnerUrl: runner.url, token: secret })
  expect((await client.identity.me()).scopes).toEqual(['jobs:write', 'datasets:read'])

  const listed = await run('ls')
  expect(listed.out).toMatch(/nightly +jobs:write datasets:read +everywhere/)
  expect(listed.out).not.toContain(secret)
  const [token] = JSON.parse((await run('ls', '--json')).out).tokens
  expect(token).toMatchObject({ name: 'nightly', lastUsedAt: expect.any(String), expiresAt: expect.any(String) })

  expect(await run('revoke', token.id)).toMatchObject({ code: 0, out: `${token.id} is revoked\n` })
  await expect(client.identity.me()).rejects.toThrow('revoked')
  expect((await run('revoke', token.id)).code).toBe(3)
  expect((await run('ls')).out).not.toContain('nightly')
})

test.each([
  [['create'], 'what is it for?'],
  [['create', 'x'], 'what may it do?'],
  [['create', 'x', '--scope', 'everything'], '--scope is "everything": it must be "jobs:read"'],
  [['create', 'x', '--scope', 'jobs:read', '--days', '0'], '--days is "0"'],
  [['create', 'x', '--scope', 'jobs:read', '--project', 'red'], 'project: must be "organisation/project"'],
  [['revoke'], 'which token?'],
])('trainyard tokens %j says what is wanted', async (args, words) => {
  const { code, out, err } = await run(...args)
  expect([code, out]).toEqual([2, ''])
  expect(err).toContain(words)
})
