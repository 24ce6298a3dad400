import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../errors.ts'
import { createLogger } from '../log.ts'
import { listen } from './listen.ts'

describe('listen', () => {
  it('serves an app on a free port and returns its URL', async () => {
    const server = await listen({ fetch: (request) => new Response(new URL(request.url).pathname) }, { port: 0 })
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`)
    expect(await (await fetch(`${server.url}/hello`)).text()).toBe('/hello')
    await server.close()
    await server.close()
    await expect(fetch(server.url)).rejects.toThrow()
  })

  it('reports a port that is in use, and what to do', async () => {
    const app = { fetch: () => new Response('') }
    const first = await listen(app, { port: 0 })
    const second = listen(app, { port: first.port })
    await expect(second).rejects.toThrow(ConfigError)
    await expect(second).rejects.toThrow(
      `Port ${first.port} on 127.0.0.1 is already in use; set PORT to another port, or stop the program that uses it`,
    )
    await first.close()
  })

  it('reports a host that is not an address of this machine', async () => {
    await expect(listen({ fetch: () => new Response('') }, { host: '203.0.113.1', port: 0 })).rejects.toThrow(
      /HOST is "203.0.113.1"/,
    )
  })

  it('outlives a rejection that no code awaits, and logs it once', async () => {
    const others = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    try {
      const lines: string[] = []
      const destination = new Writable({
        write(line, _encoding, done) {
          lines.push(String(line))
          done()
        },
      })
      const logger = createLogger({ name: 'test', destination })
      const app = {
        fetch: () => {
          void Promise.reject(new Error('left behind'))
          return new Response('done')
        },
      }
      const servers = [await listen(app, { port: 0, logger }), await listen(app, { port: 0, logger })]
      expect(await (await fetch(servers[0]?.url ?? '')).text()).toBe('done')
      await servers[0]?.close()
      expect(await (await fetch(servers[1]?.url ?? '')).text()).toBe('done')
      await servers[1]?.close()
      expect(lines.map((line) => JSON.parse(line))).toMatchObject([
        { level: 'error', err: { message: 'left behind' } },
        { level: 'error', err: { message: 'left behind' } },
      ])
      expect(process.listenerCount('unhandledRejection')).toBe(0)
    } finally {
      for (const listener of others) process.on('unhandledRejection', listener)
    }
  })

  it('waits for an open request when it closes, and ends a stream that never ends', async () => {
    let asked: () => void = () => undefined
    const slowAsked = new Promise<void>((resolve) => {
      asked = resolve
    })
    const app = {
      async fetch(request: Request) {
        if (request.url.endsWith('/endless'))
          return new Response(new ReadableStream({ start: (c) => c.enqueue(Buffer.from('x')) }))
        asked()
        await sleep(100)
        return new Response('done')
      },
    }
    const server = await listen(app, { port: 0, drainMs: 400 })
    const endless = await fetch(`${server.url}/endless`)
    const slow = fetch(`${server.url}/slow`)
    await slowAsked
    const closed = server.close()
    expect(await (await slow).text()).toBe('done')
    await closed
    await expect(endless.text()).rejects.toThrow()
  })
})
