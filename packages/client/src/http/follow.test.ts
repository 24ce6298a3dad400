import type { Check, Job, LiveMessage } from '@trainyard/contract'
import { expect, test } from 'vitest'
import { createClient, TrainyardApiError } from '../index.ts'
import { exampleJob } from '../testing/example-job.ts'
import { sendJson, startTestServer } from '../testing/test-server.ts'
import { follow } from './follow.ts'

const job = (state: Job['state']): Job => ({ ...exampleJob, state })
const event = (id: number, message: unknown) => `id: ${id}\ndata: ${JSON.stringify(message)}\n\n`
const streamHeaders = { 'content-type': 'text/event-stream' }

test('resumes from the last event after a lost connection, and ends with the job', async () => {
  const resumedFrom: unknown[] = []
  await using server = await startTestServer((request, response) => {
    resumedFrom.push(request.headers['last-event-id'])
    response.writeHead(200, streamHeaders)
    if (resumedFrom.length === 1) {
      response.write('retry: 1\n\n')
      response.write(event(1, { type: 'snapshot', job: job('running'), series: [], logs: [] }))
      response.write(event(2, { type: 'from_the_future' }), () => response.destroy())
    } else if (resumedFrom.length === 2) response.end(': nothing new\n\n')
    else response.write(event(3, { type: 'job', job: job('succeeded') }))
  })
  const messages: LiveMessage[] = []
  for await (const message of createClient({ runnerUrl: server.url }).jobs.live(7)) messages.push(message)
  expect(messages.map((message) => message.type)).toEqual(['snapshot', 'job'])
  expect(resumedFrom.slice(0, 2)).toEqual([undefined, '2'])
})

test('ends without reconnecting when the server closes the stream of a finished job', async () => {
  await using server = await startTestServer((_request, response) => {
    response.writeHead(200, streamHeaders)
    response.end(event(1, { type: 'snapshot', job: job('failed'), series: [], logs: [] }))
  })
  const types: string[] = []
  for await (const message of createClient({ runnerUrl: server.url }).jobs.live(7)) types.push(message.type)
  expect(types).toEqual(['snapshot'])
  expect(server.requests).toHaveLength(1)
})

test('ends without an error when it is aborted, and closes the connection', async () => {
  let closed: () => void = () => undefined
  const closing = new Promise<void>((resolve) => {
    closed = resolve
  })
  await using server = await startTestServer((request, response) => {
    request.on('close', () => closed())
    response.writeHead(200, streamHeaders)
    response.write(event(1, { type: 'job', job: job('running') }))
  })
  const controller = new AbortController()
  const seen: string[] = []
  const live = createClient({ runnerUrl: server.url }).jobs.live(7, { signal: controller.signal })
  for await (const message of live) {
    seen.push(message.type)
    controller.abort()
  }
  await closing
  expect(seen).toEqual(['job'])
})

test('throws immediately when the server refuses the request', async () => {
  await using server = await startTestServer((_request, response) =>
    sendJson(response, 404, { type: 't', title: 't', status: 404, code: 'not_found', retryable: false }),
  )
  const read = async () => {
    for await (const _ of createClient({ runnerUrl: server.url }).jobs.live(7)) expect.unreachable()
  }
  await expect(read()).rejects.toThrow(TrainyardApiError)
  expect(server.requests).toHaveLength(1)
})

test('gives up after the maximum number of failures in a row', async () => {
  await using server = await startTestServer((_request, response) => response.writeHead(503).end())
  const read = async () => {
    const connect = () => ({ baseUrl: server.url, token: undefined, fetch })
    const options = { path: '/live', maxFailures: 3, retryMs: 1, parse: () => 1, isLast: () => false }
    for await (const _ of follow(connect, options)) expect.unreachable()
  }
  await expect(read()).rejects.toThrow('answered 503')
  expect(server.requests).toHaveLength(3)
})

test('reconnects when a connection stays silent', async () => {
  await using server = await startTestServer((_request, response) => {
    response.writeHead(200, streamHeaders)
    if (server.requests.length === 1) response.flushHeaders()
    else response.write(event(1, 'end'))
  })
  const seen: string[] = []
  const connect = () => ({ baseUrl: server.url, token: undefined, fetch })
  const options = { path: '/live', idleMs: 50, retryMs: 1, isLast: () => true }
  for await (const message of follow<string>(connect, { ...options, parse: ({ data }) => data })) seen.push(message)
  expect(seen).toEqual(['"end"'])
  // More than two on a slow machine.
  expect(server.requests.length).toBeGreaterThanOrEqual(2)
})

test('follows a check to its verdict', async () => {
  const check: Check = {
    id: 'chk_1',
    trainer: 'acme/yolo',
    version: '1.0.0',
    digest: `sha256:${'0'.repeat(64)}`,
    state: 'checking',
    checks: [],
    createdAt: '2026-11-20T09:30:00.000Z',
  }
  await using server = await startTestServer((_request, response) => {
    response.writeHead(200, streamHeaders)
    response.write(event(1, { type: 'check', check }))
    response.write(event(2, { type: 'check', check: { ...check, state: 'published' } }))
  })
  const states: string[] = []
  for await (const seen of createClient({ registryUrl: server.url }).checks.live('chk_1')) states.push(seen.state)
  expect(states).toEqual(['checking', 'published'])
})
