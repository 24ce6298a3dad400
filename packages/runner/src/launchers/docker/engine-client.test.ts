import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { EngineClient, EngineError } from './engine-client.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** An engine that answers as given, and a client of it. */
async function engineWith(answer: RequestListener, timeoutMs = 60_000): Promise<EngineClient> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
  return new EngineClient({ host: '127.0.0.1', port: String((server.address() as AddressInfo).port), timeoutMs })
}

const seen = async (request: IncomingMessage) => ({
  line: `${request.method} ${decodeURIComponent(request.url ?? '')}`,
  type: request.headers['content-type'],
  body: await text(request),
})

describe('the client of an engine', () => {
  it('sends filters as JSON, leaves out what is undefined, and reads an answer without a body', async () => {
    const requests: unknown[] = []
    const client = await engineWith(async (request, response) => {
      requests.push(await seen(request))
      if (request.method === 'GET') response.end('[]')
      else response.writeHead(204).end()
    })
    expect(await client.listContainers({ filters: { label: ['a=b'] } })).toEqual([])
    expect(await client.getContainer('c').kill({ signal: 'SIGTERM' })).toBeUndefined()
    expect(requests).toEqual([
      { line: 'GET /containers/json?filters={"label":["a=b"]}', type: undefined, body: '' },
      { line: 'POST /containers/c/kill?signal=SIGTERM', type: undefined, body: '' },
    ])
  })

  it('names a container in the query, and sends the rest as JSON', async () => {
    const requests: unknown[] = []
    const client = await engineWith(async (request, response) => {
      requests.push(await seen(request))
      response.writeHead(201).end('{"Id":"1"}')
    })
    await client.createContainer({ name: 'n', Image: 'i', Cmd: undefined })
    expect(requests).toEqual([
      { line: 'POST /containers/create?name=n', type: 'application/json', body: '{"Image":"i"}' },
    ])
  })

  it('sends an archive piece by piece', async () => {
    const client = await engineWith(async (request, response) => response.end(JSON.stringify(await seen(request))))
    const archive = Readable.from([Buffer.from('a'), Buffer.from('b')])
    expect(JSON.parse(await text(await client.loadImage(archive)))).toEqual({
      line: 'POST /images/load?quiet=true',
      type: 'application/x-tar',
      body: 'ab',
    })
  })

  it('tells that a file exists, whose answer has no body', async () => {
    const client = await engineWith((_, response) => response.end())
    expect(await client.getContainer('c').infoArchive({ path: '/complete' })).toBe(true)
  })

  it('fails with the status and the message of the engine', async () => {
    const client = await engineWith((_, response) => response.writeHead(409).end('{"message":"it is in use"}'))
    const failure = await client
      .getVolume('v')
      .remove()
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(EngineError)
    expect(failure).toMatchObject({ statusCode: 409, message: 'it is in use' })
  })

  it('gives an engine up that accepts a request and stays silent', async () => {
    const client = await engineWith(() => {}, 50)
    await expect(client.info()).rejects.toThrow('the engine sent nothing for 0 s')
  })

  it('reports that an archive could not be read', async () => {
    const client = await engineWith((request, response) => void request.resume().on('end', () => response.end()))
    const archive = Readable.from(
      (async function* () {
        yield Buffer.from('a')
        throw new Error('the disk is gone')
      })(),
    )
    await expect(client.loadImage(archive)).rejects.toThrow('the disk is gone')
  })

  it('ends an answer that arrives when it is aborted', async () => {
    const client = await engineWith((_, response) => void response.write('{"status":"Downloading"}\n'))
    const abort = new AbortController()
    const answer = await client.createImage(undefined, { fromImage: 'i', tag: 't', signal: abort.signal })
    abort.abort()
    await expect(text(answer)).rejects.toThrow()
  })
})
