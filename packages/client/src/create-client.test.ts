import type { Dataset } from '@trainyard/contract'
import { expect, test } from 'vitest'
import { createClient, TrainyardApiError, TrainyardUnreachableError, UnexpectedAnswerError } from './index.ts'
import { exampleJob } from './testing/example-job.ts'
import { readBody, sendJson, startTestServer } from './testing/test-server.ts'

const exampleDataset: Dataset = {
  id: 'ds_1',
  version: 1,
  name: 'shapes',
  format: 'dice',
  taskType: 'detection',
  classes: [],
  losses: [],
  counts: { images: 1, labelled: 1, annotations: 1, splits: { train: 1, val: 0, test: 0 } },
  sizeBytes: 10,
  versionHash: 'aa',
  createdAt: '2026-11-20T09:30:00.000Z',
}

test('sends token, query and JSON, and returns the parsed answer', async () => {
  const seen: unknown[] = []
  await using server = await startTestServer(async (request, response) => {
    const body = await readBody(request)
    seen.push(request.headers.authorization, body.length > 0 ? JSON.parse(body.toString()) : undefined)
    if (request.url?.startsWith('/v1/jobs?')) sendJson(response, 200, { jobs: [exampleJob] })
    else sendJson(response, 201, exampleJob)
  })
  const client = createClient({ runnerUrl: `${server.url}/`, token: 'ty_secret' })
  const created = await client.jobs.create({ trainer: 'acme/yolo@^1', dataset: 'ds_1' })
  const list = await client.jobs.list({ state: 'running', limit: 5 })
  expect(created).toEqual(exampleJob)
  expect(list.jobs).toHaveLength(1)
  expect(server.requests).toEqual(['POST /v1/jobs', 'GET /v1/jobs?state=running&limit=5'])
  expect(seen[0]).toBe('Bearer ty_secret')
  expect(seen[1]).toMatchObject({ trainer: 'acme/yolo@^1', operation: 'train' })
})

test('turns a problem document into an error that names every invalid field', async () => {
  await using server = await startTestServer((_request, response) =>
    sendJson(
      response,
      400,
      {
        type: 'about:blank',
        title: 'The request is not valid',
        status: 400,
        detail: 'config.epochs must be at least 1',
        code: 'invalid_request',
        retryable: false,
        issues: [{ path: 'config.epochs', detail: 'must be at least 1', value: 0 }],
      },
      { 'content-type': 'application/problem+json' },
    ),
  )
  const failure = createClient({ runnerUrl: server.url }).jobs.get(1)
  await expect(failure).rejects.toThrow(TrainyardApiError)
  await expect(failure).rejects.toMatchObject({ status: 400, code: 'invalid_request' })
  await expect(failure).rejects.toThrow('config.epochs must be at least 1 (got 0)')
})

test('reports the status of an answer without a problem document, such as that of a proxy', async () => {
  await using server = await startTestServer((_request, response) =>
    response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>'),
  )
  const failure = createClient({ runnerUrl: server.url }).jobs.get(1)
  await expect(failure).rejects.toThrow(`${server.url}/v1/jobs/1 answered 502`)
  await expect(failure).rejects.toMatchObject({ problem: { retryable: true } })
})

test('names the address that does not answer', async () => {
  const server = await startTestServer(() => undefined)
  await server[Symbol.asyncDispose]()
  const failure = createClient({ registryUrl: server.url }).trainers.list()
  await expect(failure).rejects.toThrow(TrainyardUnreachableError)
  await expect(failure).rejects.toThrow(`No answer from ${server.url}: `)
})

test('refuses an answer that does not match the contract and names the field', async () => {
  await using server = await startTestServer((_request, response) =>
    sendJson(response, 200, { ...exampleJob, state: 'sleeping' }),
  )
  const failure = createClient({ runnerUrl: server.url }).jobs.get(7)
  await expect(failure).rejects.toThrow(UnexpectedAnswerError)
  await expect(failure).rejects.toThrow('"state"')
})

test('rejects instead of throwing when the address of a server is missing', async () => {
  const client = createClient({ runnerUrl: 'http://127.0.0.1:1' })
  const failure = client.trainers.list()
  await expect(failure).rejects.toThrow('registryUrl')
})

test('streams an upload from an async iterable', async () => {
  let received = ''
  await using server = await startTestServer(async (request, response) => {
    received = (await readBody(request)).toString()
    sendJson(response, 201, exampleDataset)
  })
  async function* chunks() {
    yield Buffer.from('first ')
    yield Buffer.from('second')
  }
  const dataset = await createClient({ runnerUrl: server.url }).datasets.upload(chunks(), { name: 'a & b' })
  expect(dataset).toEqual(exampleDataset)
  expect(received).toBe('first second')
  expect(server.requests).toEqual(['POST /v1/datasets?name=a+%26+b'])
})

test('escapes a trainer’s name but not its slash', async () => {
  await using server = await startTestServer((_request, response) => sendJson(response, 404, {}))
  await createClient({ registryUrl: server.url })
    .trainers.version('acme/yo?lo', '1.0.0')
    .catch(() => undefined)
  expect(server.requests).toEqual(['GET /v1/trainers/acme/yo%3Flo/versions/1.0.0'])
})

test('suggests http:// when a server at an https:// address does not use TLS', async () => {
  await using server = await startTestServer((_request, response) => sendJson(response, 200, {}))
  const { host } = new URL(server.url)
  const failure = createClient({ runnerUrl: `https://${host}` }).jobs.get(1)
  await expect(failure).rejects.toThrow(`it does not use TLS. Is its address http://${host}?`)
})
