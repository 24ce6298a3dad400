import { createClient } from '@trainyard/client'
import { startTestRunner, type TestRunner } from '@trainyard/client/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../../testing/run-command.ts'

let runner: TestRunner
beforeAll(async () => {
  runner = await startTestRunner('')
})
afterAll(() => runner?.[Symbol.asyncDispose]())

const run = (...args: string[]) =>
  runCommand(['tokens', ...args], {
    env: { TRAINYARD_RUNNER: runner.url, TRAINYARD_TOKEN: runner.token, HOME: '/nonexistent' },
  })

test('creates a token, lists it without its secret, and revokes it', async () => {
  const made = await run('create', 'nightly', '--scope', 'jobs:write', '--scope', 'datasets:read', '--days', '30')
  expect(made, made.err).toMatchObject({ code: 0, out: expect.stringMatching(/^ty_[0-9a-f]{56}\n$/) })
  const secret = made.out.trim()
  const client = createClient({ runnerUrl: runner.url, token: secret })
  expect((await client.identity.me()).scopes).toEqual(['jobs:write', 'datasets:read'])

  const listed = await run('ls')
  expect(listed.out).toMatch(/nightly +jobs:write datasets:read +everywhere/)
  expect(listed.out).toMatch(/created by/)
  expect(listed.out).toMatch(/nightly.* the local owner/)
  expect(listed.out).not.toContain(secret)
  const [token] = JSON.parse((await run('ls', '--json')).out).tokens
  expect(token).toMatchObject({ name: 'nightly', lastUsedAt: expect.any(String), expiresAt: expect.any(String) })

  expect(await run('revoke', token.id)).toMatchObject({ code: 0, out: `revoked ${token.id}\n` })
  await expect(client.identity.me()).rejects.toThrow('revoked')
  expect((await run('revoke', token.id)).code).toBe(3)
  expect((await run('ls')).out).not.toContain('nightly')
})

test.each([
  [['create'], 'missing argument NAME: What the token is for'],
  [['create', 'x'], 'no scope: use --scope SCOPE'],
  [['create', 'x', '--scope', 'everything'], '--scope is "everything": it must be "jobs:read"'],
  [['create', 'x', '--scope', 'jobs:read', '--days', '0'], '--days is "0"'],
  [['create', 'x', '--scope', 'jobs:read', '--project', 'red'], 'project: must be "organisation/project"'],
  [['revoke'], 'missing argument ID'],
])('trainyard tokens %j names the mistake', async (args, words) => {
  const { code, out, err } = await run(...args)
  expect([code, out]).toEqual([2, ''])
  expect(err).toContain(words)
})
