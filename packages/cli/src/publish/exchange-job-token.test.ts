import { createTrainerFolder, type OciReceiver, readBody, sendJson, startOciReceiver } from '@trainyard/client/testing'
import { expect, test } from 'vitest'
import { runCommand } from '../testing/run-command.ts'

/** A registry that exchanges the token "of the job", and GitHub's endpoint for it. */
async function startRegistry(audience?: string): Promise<OciReceiver & { seen: unknown[] }> {
  const seen: unknown[] = []
  const registry = await startOciReceiver('ty_exchanged')
  registry.intercept = async (request, response) => {
    const url = new URL(request.url ?? '/', registry.url)
    if (url.pathname === '/github') {
      if (request.headers.authorization !== 'Bearer gh') sendJson(response, 401, { message: 'no' })
      else sendJson(response, 200, { value: `for ${url.searchParams.get('audience')}, ${url.searchParams.get('v')}` })
    } else if (url.pathname === '/v1/publishing')
      sendJson(response, 200, { audience: audience ?? registry.url, issuers: [] })
    else if (url.pathname === '/v1/publishing/tokens') {
      seen.push(JSON.parse((await readBody(request)).toString()))
      const times = { expiresAt: '2026-11-30T12:00:00.000Z', trainer: 'acme/tiny', publisher: 'pub_1' }
      sendJson(response, 200, { token: 'ty_exchanged', ...times })
    } else return false
    return true
  }
  return Object.assign(registry, { seen })
}
const github = (url: string, secret = 'gh') => ({
  GITHUB_ACTIONS: 'true',
  ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/github?v=2`,
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: secret,
})

test('publish uses the identity of a job of GitHub', async () => {
  await using registry = await startRegistry()
  await using folder = await createTrainerFolder()
  const args = ['publish', folder.dir, '--registry', registry.url, '--no-wait']
  const { code, err } = await runCommand(args, { env: github(registry.url) })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(registry.seen).toEqual([{ trainer: 'acme/tiny', token: `for ${registry.url}, 2` }])
  expect(registry.manifests.has('1.2.0')).toBe(true)
})

test('publish uses the token that GitLab puts into a variable, unless there is one for the registry', async () => {
  await using registry = await startRegistry()
  await using folder = await createTrainerFolder()
  const args = ['publish', folder.dir, '--registry', registry.url, '--no-wait']
  expect((await runCommand(args, { env: { TRAINYARD_ID_TOKEN: 'jwt\n' } })).code).toBe(0)
  expect(registry.seen).toEqual([{ trainer: 'acme/tiny', token: 'jwt' }])
  const env = { TRAINYARD_ID_TOKEN: 'jwt', TRAINYARD_TOKEN: 'ty_exchanged' }
  expect((await runCommand(args, { env })).code).toBe(0)
  expect(registry.seen).toHaveLength(1)
})

test('tokens exchange prints the token for other clients', async () => {
  await using registry = await startRegistry()
  const args = ['tokens', 'exchange', 'acme/tiny', '--registry', registry.url]
  expect(await runCommand(args, { env: github(registry.url) })).toEqual({ code: 0, out: 'ty_exchanged\n', err: '' })
  expect((await runCommand(args)).err).toContain('set TRAINYARD_ID_TOKEN')
  expect((await runCommand(['tokens', 'exchange', 'tiny', '--registry', registry.url])).code).toBe(2)
})

test('a job without the permission learns what to add', async () => {
  await using registry = await startRegistry()
  await using folder = await createTrainerFolder()
  const args = ['publish', folder.dir, '--registry', registry.url]
  const { code, err } = await runCommand(args, { env: { GITHUB_ACTIONS: 'true' } })
  expect([code, err]).toEqual([3, expect.stringContaining('permissions: id-token: write')])
  const refused = await runCommand(args, { env: github(registry.url, 'wrong') })
  expect([refused.code, refused.err]).toEqual([3, expect.stringContaining('answered 401 without a token')])
})

test('no token is made for another registry than the one that asks', async () => {
  await using registry = await startRegistry('https://hub.example.test')
  await using folder = await createTrainerFolder()
  const args = ['publish', folder.dir, '--registry', registry.url]
  const { code, err } = await runCommand(args, { env: github(registry.url) })
  expect([code, err]).toEqual([3, expect.stringContaining('says that its address is https://hub.example.test')])
  expect(registry.seen).toEqual([])
  expect(registry.requests.filter((request) => request.includes('/github'))).toEqual([])
})
