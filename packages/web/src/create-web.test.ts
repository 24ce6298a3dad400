import { describe, expect, test } from 'vitest'
import { createWeb } from './index.ts'
import { createTestWeb } from './testing/web.ts'

const urls = { registryUrl: 'http://registry.test:7600', runnerUrl: 'http://runner.test:7601' }

const silent = { error: () => {} }

describe('every answer', () => {
  test('forbids inline scripts and styles, frames and sniffing', async () => {
    const { headers } = await createTestWeb().app.request('/')
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self'")
    expect(policy).toContain("style-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('strict-origin-when-cross-origin')
  })

  test('has no inline script, style or event handler in its page', async () => {
    const { app } = createTestWeb()
    for (const path of ['/', '/trainers/trainyard/tfjs-classifier', '/jobs', '/jobs/42', '/nowhere']) {
      const html = await (await app.request(path)).text()
      expect(html).not.toMatch(/\sstyle=|\son[a-z]+=|<style/)
      for (const [tag] of html.matchAll(/<script[^>]*>/g)) expect(tag).toMatch(/src="|type="application\/json"/)
    }
  })
})

describe('files for the browser', () => {
  test('carry the hash of their content in the name and are cached as immutable', async () => {
    const { app } = createTestWeb()
    const html = await (await app.request('/jobs/42')).text()
    const addresses = [...html.matchAll(/"(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? '')
    expect(addresses).toHaveLength(4)
    for (const address of addresses) {
      expect(address).toMatch(/^\/assets\/(?:site|job|live-worker)-[A-Z0-9]{8}\.(?:js|css)$/)
      const response = await app.request(address)
      expect(response.status).toBe(200)
      expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    }
    expect((await app.request('/assets/site-OLD.js')).status).toBe(404)
    expect((await app.request('/assets/..%2Findex.js')).status).toBe(404)
  })

  test('include an icon', async () => {
    const response = await createTestWeb().app.request('/favicon.svg')
    expect(response.headers.get('content-type')).toBe('image/svg+xml')
  })
})

describe('forms', () => {
  const post = (body: string, type = 'application/x-www-form-urlencoded') =>
    createTestWeb().app.request('/sign-in', {
      method: 'POST',
      body,
      headers: { 'content-type': type, origin: 'http://localhost' },
    })

  test('that are larger than any form of a page are refused unread', async () => {
    expect((await post('email=a&'.repeat(10_000))).status).toBe(413)
    const parts = '--x\r\ncontent-disposition: form-data; name="email"\r\n\r\na\r\n'.repeat(10)
    expect((await post(`${parts}--x--\r\n`, 'multipart/form-data; boundary=x')).status).toBe(415)
  })
})

describe('when something is wrong', () => {
  test('an unknown address gives a 404 page with links to go on', async () => {
    const response = await createTestWeb().app.request('/<b>nowhere</b>')
    expect(response.status).toBe(404)
    const html = await response.text()
    expect(html).toContain('Page not found')
    expect(html).toContain('href="/jobs"')
    expect(html).not.toContain('<b>')
  })

  test('a registry that does not respond is named, with its address', async () => {
    const logged: string[] = []
    const refuse = async () => {
      throw new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') })
    }
    const { app } = createWeb({ ...urls, fetch: refuse, logger: { error: (_fields, message) => logged.push(message) } })
    const trainers = await app.request('/')
    expect(trainers.status).toBe(502)
    expect(trainers.headers.get('retry-after')).toBe('10')
    const html = await trainers.text()
    expect(html).toContain('The registry is not responding')
    expect(html).toContain('http://registry.test:7600')
    expect(logged).toEqual(['The registry is not responding'])

    const jobs = await app.request('/jobs')
    expect(jobs.status).toBe(502)
    expect(await jobs.text()).toContain('http://runner.test:7601')
  })

  test('an API that fails is a bad gateway, with its trace', async () => {
    const problem = {
      type: 'about:blank',
      title: 'Internal error',
      status: 500,
      code: 'internal',
      retryable: true,
      traceId: 'abc123',
    }
    const { app } = createWeb({
      ...urls,
      logger: silent,
      fetch: async () =>
        Response.json(problem, { status: 500, headers: { 'content-type': 'application/problem+json' } }),
    })
    const response = await app.request('/')
    expect(response.status).toBe(502)
    expect(await response.text()).toContain('abc123')
  })

  test('an API whose database does not respond gives a page with status 503 that can be loaded again', async () => {
    const detail = 'The database does not respond at the moment'
    const problem = {
      type: 'about:blank',
      title: 'Unavailable',
      status: 503,
      code: 'unavailable',
      retryable: true,
      detail,
    }
    const logged: string[] = []
    const { app } = createWeb({
      ...urls,
      logger: { error: (_fields, message) => logged.push(message) },
      fetch: async () =>
        Response.json(problem, { status: 503, headers: { 'content-type': 'application/problem+json' } }),
    })
    const response = await app.request('/')
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('10')
    expect(await response.text()).toContain(detail)
    expect(logged).toEqual([])
  })

  test('an answer that breaks the contract gives an error page', async () => {
    const { app } = createWeb({ ...urls, fetch: async () => Response.json({ trainers: 'none' }), logger: silent })
    const response = await app.request('/')
    expect(response.status).toBe(502)
    expect(await response.text()).toContain('Unexpected answer from the server')
  })

  test('an internal error is logged and reveals nothing', async () => {
    const logged: object[] = []
    const { app } = createWeb({
      ...urls,
      fetch: createTestWeb().api.fetch,
      now: () => {
        throw new Error('secret detail')
      },
      logger: { error: (fields) => logged.push(fields) },
    })
    const response = await app.request('/')
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret detail')
    expect(logged).toHaveLength(1)
  })
})
