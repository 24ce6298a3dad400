import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTransport } from '@trainyard/datasets/transfer'
import { afterEach, expect, it } from 'vitest'
import { createPlatformApi } from './platform-api.ts'
import { createTokenSource } from './token-source.ts'

let server: Server | undefined
const transport = createTransport()
afterEach(() => new Promise<void>((resolve) => server?.close(() => resolve()).closeAllConnections()))

/** Answers with 200 in turn; the last one is repeated. */
async function connect(...answers: ((response: ServerResponse) => void)[]) {
  let count = 0
  server = createServer((_, response) => answers[Math.min(count++, answers.length - 1)]?.(response))
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const limits = { maxTries: 3, giveUpAfterMs: 0 }
  const token = createTokenSource({ token: 't' })
  const api = createPlatformApi({ baseUrl, token, transport, backoff: { baseMs: 1, capMs: 2 }, limits })
  return { api, requests: () => count }
}

const whole = (response: ServerResponse) => response.end('{"state":"ready"}')

it.each([
  ['half of a document', '{"state":'],
  ['nothing', ''],
  ['a page of a proxy', '<html>please wait</html>'],
])('asks again when a successful answer is %s', async (_, text) => {
  const { api, requests } = await connect((response) => {
    response.flushHeaders()
    response.end(text)
  }, whole)
  expect(await api.call('GET', '/dataset')).toEqual({ state: 'ready' })
  expect(requests()).toBe(2)
})

it('asks again when a successful answer announces that it is empty', async () => {
  const { api, requests } = await connect((response) => response.writeHead(200, { 'content-length': 0 }).end(), whole)
  expect(await api.call('POST', '/dataset/cache')).toEqual({ state: 'ready' })
  expect(requests()).toBe(2)
})

it('reports an answer that is never whole, with what was asked', async () => {
  const { api } = await connect((response) => {
    response.flushHeaders()
    response.end('{"state":')
  })
  await expect(api.call('GET', '/dataset?cursor=1')).rejects.toMatchObject({
    name: 'NetworkError',
    message: 'The platform answered GET …/dataset with 200 and a body that is not whole JSON',
  })
})

it('takes an answer that is empty on purpose', async () => {
  const { api } = await connect((response) => response.writeHead(204).end())
  expect(await api.call('POST', '/artifacts/1/complete')).toBeUndefined()
})
