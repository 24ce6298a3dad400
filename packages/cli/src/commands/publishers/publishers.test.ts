import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Publisher, PublisherTest } from '@trainyard/contract'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { runCommand } from '../../testing/run-command.ts'

const publisher: Publisher = {
  id: 'pub_1',
  trainer: 'acme/yolo',
  issuer: 'github',
  repository: 'acme/yolo',
  workflow: 'release.yml',
  ref: 'refs/tags/v*',
  isPending: false,
  createdAt: '2026-11-20T09:30:00.000Z',
  lastRefusal: { at: '2026-11-21T09:30:00.000Z', reasons: ['the token has no ref\u001b[2J'] },
}
const requests: string[] = []
let result: PublisherTest
const server = createServer(async (request, response) => {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk as Uint8Array)
  requests.push(`${request.method} ${request.url} ${Buffer.concat(chunks).toString()}`.trim())
  if (request.method === 'DELETE') {
    response.writeHead(204).end()
    return
  }
  const isTest = request.url?.endsWith('/test')
  const answer = isTest ? result : request.method === 'POST' ? publisher : { publishers: [publisher] }
  response.writeHead(request.method === 'POST' && !isTest ? 201 : 200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(answer))
})
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => new Promise((resolve) => server.close(resolve)))
beforeEach(() => {
  requests.length = 0
})

const run = (args: string[], variables: Record<string, string> = {}) => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const env = { TRAINYARD_REGISTRY: url, TRAINYARD_TOKEN: 'ty_test', HOME: '/nonexistent', ...variables }
  return runCommand(['publishers', ...args], { env })
}
const path = '/v1/trainers/acme/yolo/publishers'

test('lists publishers with what their jobs must be and why the last one was refused', async () => {
  const { code, out } = await run(['ls', 'acme/yolo'])
  expect([code, requests]).toEqual([0, [`GET ${path}`]])
  expect(out).toMatch(
    /pub_1 +github +acme\/yolo +workflow release.yml, ref refs\/tags\/v\* +never +.*the token has no ref/,
  )
  expect(out).not.toContain('\u001b[2J')
  expect(JSON.parse((await run(['ls', 'acme/yolo', '--json'])).out).publishers).toEqual([publisher])
})

test('adds a publisher of GitHub unless another issuer is named', async () => {
  const args = ['add', 'acme/yolo', '--repository', 'acme/yolo', '--workflow', 'release.yml', '--owner-id', '34']
  expect(await run(args)).toMatchObject({
    code: 0,
    out: 'added pub_1: jobs of acme/yolo (workflow release.yml, ref refs/tags/v*) can now publish acme/yolo\n',
  })
  await run([...args, '--issuer', 'gitlab', '--json'])
  const bodies = requests.map((request) => JSON.parse(request.slice(`POST ${path} `.length)))
  const body = { issuer: 'github', repository: 'acme/yolo', workflow: 'release.yml', ownerId: '34' }
  expect(bodies).toEqual([body, { ...body, issuer: 'gitlab' }])
})

test('tests the issuer, or the job whose token is in the environment, and exits with 1 when it cannot publish', async () => {
  result = { ok: true, keys: 2, reasons: [] }
  expect(await run(['test', 'acme/yolo', 'pub_1'])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^the issuer answers/),
  })
  const job = { TRAINYARD_ID_TOKEN: 'eyJ' }
  expect(await run(['test', 'acme/yolo', 'pub_1'], job)).toMatchObject({
    code: 0,
    out: 'the job can publish acme/yolo\n',
  })
  result = { ok: false, keys: 2, reasons: ['the token has no ref, the publisher expects refs/tags/v*'] }
  expect(await run(['test', 'acme/yolo', 'pub_1'], job)).toMatchObject({
    code: 1,
    out: 'the token has no ref, the publisher expects refs/tags/v*\n',
  })
  expect(JSON.parse((await run(['test', 'acme/yolo', 'pub_1', '--json'], job)).out)).toMatchObject(result)
  const withToken = `POST ${path}/pub_1/test {"token":"eyJ"}`
  expect(requests).toEqual([`POST ${path}/pub_1/test {}`, withToken, withToken, withToken])
})

test('removes publishers', async () => {
  expect(await run(['rm', 'acme/yolo', 'pub_1', 'pub_2'])).toMatchObject({
    code: 0,
    out: 'removed pub_1. Its tokens have ended\nremoved pub_2. Its tokens have ended\n',
  })
  expect(requests).toEqual([`DELETE ${path}/pub_1`, `DELETE ${path}/pub_2`])
})

test.each([
  [['ls', 'yolo'], 'TRAINER is "yolo": expected NAMESPACE/NAME'],
  [['add', 'acme/yolo', '--workflow', 'x.yml'], 'no repository: use --repository OWNER/NAME'],
  [['add', 'acme/yolo', '--repository', 'acme/yolo'], 'every job of the repository could publish'],
  [['add', 'acme/yolo', '--repository', 'yolo', '--ref', 'refs/x'], '--repository is "yolo": it must be OWNER/NAME'],
  [['add', 'acme/yolo', '--repository', 'a/b', '--ref', 'main'], '--ref is "main": it must begin with refs/'],
  [
    ['add', 'acme/yolo', '--repository', 'a/b', '--ref', 'refs/x', '--owner-id', 'me'],
    '--owner-id is "me": it must be a number',
  ],
  [['test', 'acme/yolo'], 'missing argument ID'],
  [['rm', 'acme/yolo'], 'missing argument ID'],
])('trainyard publishers %j names the mistake', async (args, words) => {
  const { code, err } = await run(args)
  expect([code, requests]).toEqual([2, []])
  expect(err).toContain(words)
})
