import { setTimeout as sleep } from 'node:timers/promises'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { describe, expect, test } from 'vitest'
import { fetchInProcess } from './fetch-in-process.ts'

const ORIGIN = 'http://127.0.0.1:7600'

function start() {
  const app = new Hono()
  let open = 0
  app.all('/echo', async (c) => c.json({ method: c.req.method, headers: c.req.header(), body: await c.req.text() }))
  app.get('/moved', (c) => c.redirect('/echo', 302))
  app.get('/away', (c) => c.redirect('http://elsewhere.test/object', 302))
  app.get('/slow', async (c) => {
    await sleep(60_000, undefined, { signal: c.req.raw.signal }).catch(() => undefined)
    return c.text('late')
  })
  app.get('/live', (c) =>
    streamSSE(c, async (stream) => {
      open += 1
      const ended = Promise.withResolvers<void>()
      stream.onAbort(() => ended.resolve())
      await stream.writeSSE({ data: 'first' })
      await ended.promise
      open -= 1
    }),
  )
  const elsewhere: [string, string | null][] = []
  const fetch = fetchInProcess({
    origin: ORIGIN,
    app: () => app,
    fetch: async (input, init) => {
      elsewhere.push([String(input), new Headers(init?.headers).get('authorization')])
      return new Response('elsewhere')
    },
  })
  return { fetch, elsewhere, open: () => open }
}

describe('requests to an app of the same process', () => {
  test('have what HTTP adds: the host, and the length of a known body', async () => {
    const { fetch } = start()
    const answer = await fetch(`${ORIGIN}/echo`, {
      method: 'POST',
      body: '"ü"',
      headers: { authorization: 'Bearer x' },
    })
    expect(await answer.json()).toMatchObject({
      method: 'POST',
      body: '"ü"',
      headers: { host: '127.0.0.1:7600', 'content-length': '4', authorization: 'Bearer x' },
    })
  })

  test('can have a stream as body', async () => {
    const { fetch } = start()
    const body = new Blob(['streamed']).stream()
    const init: RequestInit & { duplex: 'half' } = { method: 'PUT', body, duplex: 'half' }
    expect(await (await fetch(`${ORIGIN}/echo`, init)).json()).toMatchObject({ body: 'streamed' })
  })

  test('go over a connection to every other address', async () => {
    const { fetch, elsewhere } = start()
    expect(await (await fetch('http://127.0.0.1:7601/echo')).text()).toBe('elsewhere')
    expect(elsewhere).toEqual([['http://127.0.0.1:7601/echo', null]])
  })

  test('follow redirects, and keep credentials from other origins', async () => {
    const { fetch, elsewhere } = start()
    const headers = { authorization: 'Bearer secret' }
    expect(await (await fetch(`${ORIGIN}/moved`, { headers })).json()).toMatchObject({ method: 'GET', headers })
    expect(await (await fetch(`${ORIGIN}/away`, { headers })).text()).toBe('elsewhere')
    expect(elsewhere).toEqual([['http://elsewhere.test/object', null]])
    expect((await fetch(`${ORIGIN}/moved`, { redirect: 'manual' })).status).toBe(302)
    await expect(fetch(`${ORIGIN}/moved`, { redirect: 'error' })).rejects.toThrow('/moved answered with a redirect')
  })

  test('reject when the caller gives up before the answer', async () => {
    const { fetch } = start()
    const abort = new AbortController()
    const answer = fetch(`${ORIGIN}/slow`, { signal: abort.signal })
    abort.abort(new Error('given up'))
    await expect(answer).rejects.toThrow('given up')
  })

  test('end a stream when the caller gives up, on both sides', async () => {
    const { fetch, open } = start()
    const abort = new AbortController()
    const { body } = await fetch(`${ORIGIN}/live`, { signal: abort.signal })
    const reader = body?.getReader()
    expect(new TextDecoder().decode((await reader?.read())?.value)).toContain('first')
    expect(open()).toBe(1)
    abort.abort(new Error('given up'))
    await expect(reader?.read()).rejects.toThrow('given up')
    await expect.poll(open).toBe(0)
  })

  test('end a stream when its reader cancels it', async () => {
    const { fetch, open } = start()
    const { body } = await fetch(`${ORIGIN}/live`)
    const reader = body?.getReader()
    await reader?.read()
    await reader?.cancel()
    await expect.poll(open).toBe(0)
  })
})
