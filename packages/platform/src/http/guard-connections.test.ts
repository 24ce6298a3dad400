import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { AddressList } from './address-list.ts'
import { networkOf } from './connection-counts.ts'
import { type HttpLimits, readHttpLimits } from './http-limits.ts'
import { type Listening, listen } from './listen.ts'

const opened: { close(): Promise<void> }[] = []
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(opened.splice(0).map((server) => server.close()))
})

type Handler = (request: Request) => Response | Promise<Response>
async function serve(limits: Partial<HttpLimits>, handler: Handler = () => new Response('ok')): Promise<Listening> {
  const server = await listen({ fetch: handler }, { port: 0, drainMs: 50, limits })
  opened.push(server)
  return server
}

/** A connection, what it received, and its end. */
async function open({ port }: Listening, text = '') {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => {})
  let received = ''
  socket.on('data', (chunk) => {
    received += String(chunk)
  })
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(received)))
  await once(socket, 'connect')
  if (text !== '') socket.write(text)
  return { socket, closed, received: () => received }
}

const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n'

describe('a connection is closed', () => {
  it.each([
    ['sends nothing', ''],
    ['does not finish its headers', 'GET / HTTP/1.1\r\nHost: a\r\nX-Slow: '],
  ])('when its client %s', async (_, text) => {
    const server = await serve({ headersTimeoutMs: 100 })
    const { closed } = await open(server, text)
    expect(await closed).toMatch(text === '' ? /^(HTTP\/1\.1 408|$)/ : /^HTTP\/1\.1 408/)
  })

  it('when its client sends one byte of a header after the other', async () => {
    const server = await serve({ headersTimeoutMs: 300 })
    const { socket, closed } = await open(server, 'GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ')
    const drip = setInterval(() => socket.write('x'), 20)
    expect(await closed).toMatch(/^(HTTP\/1\.1 408|$)/)
    clearInterval(drip)
  })

  it('when a body stops arriving', async () => {
    const server = await serve({ idleTimeoutMs: 200 }, async (request) => new Response(await request.text()))
    const { closed } = await open(server, `${POST}abc`)
    expect(await closed).toMatch(/^HTTP\/1\.1 408/)
  })

  it('when a body arrives byte by byte', async () => {
    const limits = { idleTimeoutMs: 500, minBodyBytesPerSecond: 1_000_000 }
    const server = await serve(limits, async (request) => new Response(await request.text()))
    const { socket, closed } = await open(server, POST)
    const drip = setInterval(() => socket.write('x'), 50)
    await closed
    clearInterval(drip)
  })

  it('when its client does not read the answer', async () => {
    const gone = Promise.withResolvers<void>()
    const endless = () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(1_000_000)),
          cancel: () => gone.resolve(),
        }),
      )
    const server = await serve({ idleTimeoutMs: 300 }, endless)
    const { socket } = await open(server, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    socket.pause()
    await gone.promise
  })

  it('when it is kept alive without a further request', async () => {
    const server = await serve({ keepAliveMs: 100 })
    const { closed } = await open(server, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(await closed).toMatch(/^HTTP\/1\.1 200/)
  })
})

describe('a body that was refused before it had arrived', () => {
  it('is not read, and its sender receives the answer', async () => {
    const server = await serve({}, () => new Response('too large', { status: 413 }))
    const { socket, closed } = await open(server, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n')
    const chunk = Buffer.alloc(64 * 1024)
    let sent = 0
    const more = () => {
      while (!socket.destroyed && sent < 1e9 && socket.write(chunk)) sent += chunk.length
    }
    socket.on('drain', more)
    more()
    expect(await closed).toMatch(/^HTTP\/1\.1 413 [\s\S]*too large$/)
    // What the kernel holds in both directions is sent too.
    expect(sent).toBeLessThan(50e6)
  })

  it.each<[string, number, Handler]>([
    ['when much is missing', 3e6, () => new Response('too large', { status: 413 })],
    [
      'when a handler has read a part of it',
      3e5,
      async (request) => {
        const reader = request.body?.getReader()
        await reader?.read()
        await reader?.cancel()
        return new Response('too large', { status: 413 })
      },
    ],
  ])('closes the connection, and announces it, %s', async (_, sizeBytes, handler) => {
    const server = await serve({}, handler)
    const { socket, closed } = await open(server, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${sizeBytes}\r\n\r\n`)
    const ended = once(socket, 'end')
    socket.write(Buffer.alloc(sizeBytes, 'x'))
    await ended
    socket.end()
    expect(await closed).toMatch(/^HTTP\/1\.1 413 [\s\S]*^connection: close\r\n[\s\S]*too large$/im)
  })

  it('leaves the connection to the next request when little of it was missing', async () => {
    const server = await serve({}, () => new Response('too large', { status: 413 }))
    const { socket, received } = await open(server, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345')
    await expect.poll(received).toMatch(/413/)
    socket.write('67890')
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    await expect.poll(() => received().match(/too large/g)?.length).toBe(2)
  })
})

describe('a connection stays open', () => {
  it('while a handler takes long', async () => {
    const server = await serve({ idleTimeoutMs: 100 }, async () => {
      await sleep(600)
      return new Response('done')
    })
    expect(await (await fetch(server.url)).text()).toBe('done')
  })

  it('while a handler takes long to read the body', async () => {
    const server = await serve({ idleTimeoutMs: 1200, minBodyBytesPerSecond: 1_000_000 }, async (request) => {
      await sleep(2500)
      return new Response(String((await request.arrayBuffer()).byteLength))
    })
    const answer = await fetch(server.url, { method: 'POST', body: new Uint8Array(5_000_000) })
    expect(await answer.text()).toBe('5000000')
  })

  it('while a body moves, however long it takes', async () => {
    const limits = { idleTimeoutMs: 400, minBodyBytesPerSecond: 100 }
    const server = await serve(limits, async (request) => new Response(String((await request.text()).length)))
    const { socket, closed } = await open(
      server,
      'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2000\r\n\r\n',
    )
    for (let sent = 0; sent < 20; sent++) {
      await sleep(60)
      socket.write('x'.repeat(100))
    }
    expect(await closed).toMatch(/2000$/)
  })

  it('while a live stream is silent', async () => {
    const server = await serve({ idleTimeoutMs: 100 }, () => {
      const body = new ReadableStream({
        async start(controller) {
          controller.enqueue(Buffer.from('first '))
          await sleep(600)
          controller.enqueue(Buffer.from('last'))
          controller.close()
        },
      })
      return new Response(body)
    })
    expect(await (await fetch(server.url)).text()).toBe('first last')
  })
})

describe('the number of connections', () => {
  it('of one address is limited; more get 429, and places become free again', async () => {
    const server = await serve({ maxConnectionsPerAddress: 3 })
    const [first] = await Promise.all([open(server), open(server), open(server)])
    expect(await (await open(server)).closed).toMatch(/^HTTP\/1\.1 429 /)
    first?.socket.destroy()
    await first?.closed
    await expect.poll(async () => await fetch(server.url).then(({ status }) => status), { timeout: 5000 }).toBe(200)
  })

  it('of a proxy is not limited, but the number of all is', async () => {
    const server = await serve({
      maxConnectionsPerAddress: 1,
      proxies: new AddressList(['127.0.0.0/8']),
      maxConnections: 4,
    })
    const all = await Promise.all([open(server), open(server), open(server), open(server)])
    expect(await (await open(server)).closed).toBe('')
    expect(all.every(({ socket }) => !socket.destroyed)).toBe(true)
  })

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
  ])('is counted for %s as %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})

it('limits are read from the environment, in seconds', () => {
  const env = { HTTP_HEADERS_TIMEOUT_SECONDS: '2.5', TRUSTED_PROXIES: '10.0.0.1, 10.1.0.0/16' }
  expect(readHttpLimits(env, 'the server')).toMatchObject({
    headersTimeoutMs: 2500,
    idleTimeoutMs: 30_000,
  })
  const { proxies } = readHttpLimits(env, 'the server')
  const addresses = ['10.0.0.1', '10.0.0.2', '10.1.255.7', '10.2.0.0', '::1', 'unknown']
  expect(addresses.filter((address) => proxies.has(address))).toEqual(['10.0.0.1', '10.1.255.7'])
  expect(() => readHttpLimits({ TRUSTED_PROXIES: '10.0.0.1, nginx' }, 'the server')).toThrow(
    /TRUSTED_PROXIES.*"nginx" is neither an IP address nor a network/,
  )
  expect(() => readHttpLimits({ HTTP_MAX_CONNECTIONS: '0' }, 'the server')).toThrow(/HTTP_MAX_CONNECTIONS/)
})
