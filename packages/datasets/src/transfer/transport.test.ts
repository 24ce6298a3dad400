import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Readable } from 'node:stream'
import { NetworkError } from '@trainyard/contract/trainer-errors'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTransport, type Transport } from './transport.ts'

let server: Server
let transport: Transport
let url: string
let sockets: Socket[]
let respond: (request: IncomingMessage, response: ServerResponse) => void

beforeEach(async () => {
  transport = createTransport()
  sockets = []
  server = createServer((request, response) => {
    if (!sockets.includes(request.socket)) sockets.push(request.socket)
    respond(request, response)
  })
  // Tests decide when a connection is closed.
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file?signature=secret`
})
afterEach(() => {
  transport.close()
  server.closeAllConnections()
  server.close()
})

async function receiveBytes(signal?: AbortSignal, idleTimeoutMs?: number): Promise<string> {
  const chunks: Buffer[] = []
  await transport.receive({ url, signal, idleTimeoutMs }, () => (bytes) => chunks.push(Buffer.from(bytes)))
  return Buffer.concat(chunks).toString()
}

const failureOf = (promise: Promise<unknown>) => promise.then(() => undefined).catch((error: unknown) => error)

describe('a response', () => {
  it('is received by the sink that is chosen by its head', async () => {
    respond = (_request, response) => response.writeHead(206, { etag: '"one"' }).end('hello')
    let received = ''
    const head = await transport.receive({ url }, ({ status, headers }) => {
      expect([status, headers.etag]).toEqual([206, '"one"'])
      return (bytes) => {
        received += Buffer.from(bytes).toString()
      }
    })
    expect([head.status, received]).toEqual([206, 'hello'])
  })

  it('leaves its connection to the next request, also when its body is discarded', async () => {
    respond = (_request, response) => response.end('hello')
    await transport.receive({ url }, () => undefined)
    expect(await receiveBytes()).toBe('hello')
    expect(await (await transport.send({ method: 'GET', url })).text()).toBe('hello')
    expect(sockets).toHaveLength(1)
  })

  it('closes its connection when a large body is discarded', async () => {
    respond = (_request, response) =>
      response.writeHead(404, { 'content-length': 1_000_000 }).end(Buffer.alloc(1_000_000))
    await transport.receive({ url }, () => undefined)
    await transport.receive({ url }, () => undefined)
    expect(sockets).toHaveLength(2)
  })

  it('of more than 32 MiB is refused as text', async () => {
    respond = (_request, response) => {
      response.write(Buffer.alloc(33 * 1024 * 1024))
      response.end()
    }
    const response = await transport.send({ method: 'GET', url })
    await expect(response.text()).rejects.toThrow(/sent a response of more than 33554432 bytes/)
  })
})

describe('a request fails with a NetworkError', () => {
  it.each(['send', 'receive'] as const)('when the server is silent for too long (%s)', async (method) => {
    respond = () => {}
    const answer =
      method === 'send' ? transport.send({ method: 'GET', url, idleTimeoutMs: 50 }) : receiveBytes(undefined, 50)
    const error = await failureOf(answer)
    expect(error).toBeInstanceOf(NetworkError)
    expect(String(error)).toMatch(/127\.0\.0\.1:\d+ was silent for 50 ms/)
  })

  it('when the server falls silent in the middle of a body', async () => {
    respond = (_request, response) => response.writeHead(200, { 'content-length': 100 }).write('hello')
    await expect(receiveBytes(undefined, 50)).rejects.toThrow(/was silent for 50 ms|No answer/)
  })

  it('when the whole exchange takes too long', async () => {
    respond = () => {}
    await expect(transport.send({ method: 'GET', url, timeoutMs: 50 })).rejects.toThrow(/did not respond within 50 ms/)
  })

  it.each([
    ['ends early', (response: ServerResponse) => response.destroy()],
    ['is reset', (response: ServerResponse) => response.socket?.resetAndDestroy()],
  ])('when a body %s, without the URL in the message', async (_how, cut) => {
    respond = (_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('hello', () => setTimeout(() => cut(response), 20))
    }
    const error = await failureOf(receiveBytes())
    expect(error).toBeInstanceOf(NetworkError)
    expect(String(error)).toMatch(/No answer from 127\.0\.0\.1:\d+ \(ECONNRESET\)/)
    expect(String((error as Error).stack)).not.toContain('secret')
  })
})

describe('a stale connection', () => {
  /** Answers the first request, and closes its connection when the second one arrives. */
  function closeOnReuse(): void {
    let count = 0
    respond = (request, response) => {
      if (++count === 2) request.socket.destroy()
      else response.end(`answer ${count}`)
    }
  }

  it.each(['GET', 'POST'])('is replaced, and the %s request repeated once', async (method) => {
    closeOnReuse()
    const body = method === 'POST' ? '{}' : undefined
    await (await transport.send({ method, url, body })).text()
    expect(await (await transport.send({ method, url, body })).text()).toBe('answer 3')
    expect(sockets).toHaveLength(2)
  })

  it('is replaced for downloads too', async () => {
    closeOnReuse()
    expect(await receiveBytes()).toBe('answer 1')
    expect(await receiveBytes()).toBe('answer 3')
  })

  it('fails the request when its body is a stream, which cannot be sent twice', async () => {
    closeOnReuse()
    await (await transport.send({ method: 'GET', url })).text()
    const headers = { 'content-length': '2' }
    const upload = transport.send({ method: 'PUT', url, headers, body: Readable.from([Buffer.from('{}')]) })
    await expect(upload).rejects.toThrow(NetworkError)
  })

  it('is not blamed on a new connection: its reset fails the request', async () => {
    let count = 0
    respond = (request) => {
      count++
      request.socket.destroy()
    }
    await expect(receiveBytes()).rejects.toThrow(NetworkError)
    expect(count).toBe(1)
  })
})

describe('what the receiver throws', () => {
  const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })

  it.each([
    [
      'the head',
      () => {
        throw full
      },
    ],
    [
      'the body',
      () => () => {
        throw full
      },
    ],
  ])('while it handles %s is passed on unchanged, and the connection is closed', async (_what, onHead) => {
    respond = (_request, response) => response.end('hello')
    expect(await failureOf(transport.receive({ url }, onHead))).toBe(full)
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
  })
})

describe('an abort', () => {
  it.each([
    ['before the response', false],
    ['in the middle of the body', true],
  ])('%s ends a download with its reason', async (_when, hasHead) => {
    const stop = new AbortController()
    const reason = new Error('stopped')
    respond = (_request, response) => {
      if (hasHead) response.writeHead(200, { 'content-length': 100 }).write('hello')
      setTimeout(() => stop.abort(reason), 20)
    }
    expect(await failureOf(receiveBytes(stop.signal))).toBe(reason)
  })
})
