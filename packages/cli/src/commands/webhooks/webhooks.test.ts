import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { OwnershipProof, RescanStatus, Webhook, WebhookDelivery } from '@trainyard/contract'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { runCommand } from '../../testing/run-command.ts'

const webhook: Webhook = {
  id: 'whk_1',
  namespace: 'acme',
  url: 'https://hooks.example/a',
  description: 'chat\u001b[2J',
  createdAt: '2026-11-20T09:30:00.000Z',
  failingSince: '2026-11-21T09:30:00.000Z',
}
const waiting: WebhookDelivery = {
  id: 'msg_1',
  type: 'version.rejected',
  state: 'waiting',
  tries: 1,
  createdAt: '2026-11-20T09:30:00.000Z',
  event: {
    type: 'version.rejected',
    timestamp: '2026-11-20T09:30:00.000Z',
    data: { trainer: 'acme/yolo', version: '1.2.0' },
  },
}
const lastTry = { at: '2026-11-20T09:31:00.000Z', durationMs: 31, url: webhook.url, headers: {} }
const proof: OwnershipProof = {
  id: 'prf_1',
  namespace: 'acme',
  kind: 'dns',
  subject: 'acme.example',
  place: '_trainyard.acme.example',
  value: 'trainyard-proof=abc',
  isVerified: false,
  problem: 'there is no such record',
  createdAt: '2026-11-20T09:30:00.000Z',
}
const status: RescanStatus = {
  scanners: [
    {
      check: 'malware',
      scanner: { name: 'clamav', version: '1.4', database: '27000' },
      waiting: 3,
      lastHour: 9,
      found: 1,
    },
    { check: 'vulnerabilities', reason: 'no scanner is configured', waiting: 0, lastHour: 0, found: 0 },
  ],
  perHour: 600,
}
const requests: string[] = []
let answers: WebhookDelivery[] = []
const server = createServer(async (request, response) => {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk as Uint8Array)
  const { method, url = '' } = request
  requests.push(`${method} ${url} ${Buffer.concat(chunks).toString()}`.trim())
  const reply = (code: number, body: object) => {
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  if (method === 'DELETE') response.writeHead(204).end()
  else if (url.endsWith('/rescans')) reply(method === 'POST' ? 202 : 200, status)
  else if (url.endsWith('/deliveries')) reply(200, { deliveries: [answers.length > 1 ? answers.shift() : answers[0]] })
  else if (/\/(?:test|replay)$/.test(url)) reply(202, waiting)
  else if (url.endsWith('/rotate')) reply(200, { webhook, secret: 'whsec_new' })
  else if (url.endsWith('/verify')) reply(200, proof)
  else if (url.endsWith('/proofs'))
    reply(method === 'POST' ? 201 : 200, method === 'POST' ? proof : { proofs: [proof] })
  else if (method === 'POST') reply(201, { webhook, secret: 'whsec_1' })
  else reply(200, { webhooks: [webhook] })
})
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => new Promise((resolve) => server.close(resolve)))
beforeEach(() => {
  requests.length = 0
  answers = []
})

const run = (...args: string[]) =>
  runCommand(args, {
    env: { TRAINYARD_REGISTRY: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, TRAINYARD_TOKEN: 't' },
  })
const path = '/v1/namespaces/acme/webhooks'

test('webhooks are listed with their state', async () => {
  const { code, out } = await run('webhooks', 'ls', 'acme')
  expect([code, requests]).toEqual([0, [`GET ${path}`]])
  expect(out).toMatch(/whk_1 +https:\/\/hooks\.example\/a +all +chat.* +fails since /)
  expect(out).not.toContain('\u001b[2J')
})

test('a secret goes to standard output alone', async () => {
  const added = await run('webhooks', 'add', 'acme', webhook.url, '--event', 'version.yanked', '--description', 'chat')
  expect(added).toMatchObject({ code: 0, out: 'whsec_1\n', err: expect.stringContaining('added whk_1') })
  const rotated = await run('webhooks', 'rotate', 'acme', 'whk_1')
  expect(rotated).toMatchObject({ code: 0, out: 'whsec_new\n' })
  const body = { url: webhook.url, description: 'chat', events: ['version.yanked'] }
  expect(requests).toEqual([`POST ${path} ${JSON.stringify(body)}`, `POST ${path}/whk_1/rotate`])
})

test.each([
  ['delivered', 204, 0, 'was delivered: 204 in 31 ms'],
  ['waiting', 500, 1, 'was not delivered: 500 in 31 ms'],
] as const)('a test and a replay wait for the answer: %s', async (state, answer, code, words) => {
  for (const args of [
    ['test', 'acme', 'whk_1'],
    ['replay', 'acme', 'whk_1', 'msg_1'],
  ]) {
    answers = [waiting, { ...waiting, state, tries: 2, lastTry: { ...lastTry, status: answer } }]
    expect(await run('webhooks', ...args)).toMatchObject({ code, out: `msg_1 ${words}\n` })
  }
  const asked = `GET ${path}/whk_1/deliveries`
  expect(requests.filter((request) => request !== asked)).toEqual([
    `POST ${path}/whk_1/test`,
    `POST ${path}/whk_1/deliveries/msg_1/replay`,
  ])
})

test('deliveries name their trainer and the last answer', async () => {
  answers = [{ ...waiting, lastTry: { ...lastTry, error: 'connection refused' } }]
  const { out } = await run('webhooks', 'deliveries', 'acme', 'whk_1')
  expect(out).toMatch(/msg_1 +version\.rejected +acme\/yolo@1\.2\.0 .* waiting +1 +connection refused in 31 ms/)
})

test('a proof says what to write where, and its check says what is missing', async () => {
  const { code, out } = await run('ownership', 'add', 'acme', '--domain', 'acme.example')
  expect(code).toBe(0)
  expect(out).toContain('Set the TXT record _trainyard.acme.example to\n  trainyard-proof=abc\n')
  expect(await run('ownership', 'verify', 'acme', 'prf_1')).toMatchObject({
    code: 1,
    out: 'not verified: there is no such record\n',
  })
  expect((await run('ownership', 'ls', 'acme')).out).toMatch(
    /prf_1 +acme\.example +_trainyard\.acme\.example +there is/,
  )
  expect((await run('ownership', 'rm', 'acme', 'prf_1')).out).toBe('removed prf_1\n')
})

test('rescans show each scanner, or why there is none', async () => {
  const { out } = await run('rescans', 'start', '--check', 'malware')
  expect(out).toMatch(/malware +clamav 1\.4 27000 +3 +9 +never +1\nvulnerabilities +no scanner is configured/)
  await run('rescans', 'ls', '--json')
  expect(requests).toEqual(['POST /v1/rescans {"check":"malware"}', 'GET /v1/rescans'])
})

test.each([
  [['webhooks', 'ls', 'a/b'], 'NAMESPACE is "a/b": expected the part'],
  [['webhooks', 'add', 'acme', 'ftp://x'], 'ADDRESS is "ftp://x": it must be an address that begins with https://'],
  [['webhooks', 'add', 'acme', webhook.url, '--event', 'version.yank'], 'did you mean "version.yanked"?'],
  [['ownership', 'add', 'acme'], 'use one of --domain DOMAIN and --repository HOST/OWNER/NAME'],
  [['ownership', 'add', 'acme', '--domain', 'acme'], '--domain is "acme": it must be a domain'],
  [['rescans', 'start', '--check', 'virus'], '--check is "virus": expected malware or vulnerabilities'],
])('trainyard %j names the mistake', async (args, words) => {
  const { code, err } = await run(...args)
  expect([code, requests]).toEqual([2, []])
  expect(err).toContain(words)
})
