import { Appeal, Check, type CheckResult, PushList } from '@trainyard/contract'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { describe, expect, test } from 'vitest'
import { createWeb } from '../index.ts'
import { problem } from '../testing/fake-problem.ts'
import { NOW } from '../testing/fixtures.ts'

const HOSTILE = '"><script>alert(1)</script>'
const DIGEST = `sha256:${'0'.repeat(64)}`
const finding = {
  code: 'TY301',
  severity: 'error' as const,
  message: `a key ${HOSTILE}`,
  file: 'app/key.pem',
  line: 3,
  fingerprint: 'f1',
  help: 'remove it',
  docsUrl: 'https://example.org/TY301',
}
const passed: CheckResult = { name: 'manifest', status: 'passed', findings: [] }
const failed: CheckResult = { name: 'secrets', status: 'failed', findings: [finding] }

const open = Appeal.parse({
  id: 'apl_1',
  checkId: 'chk_1',
  trainer: 'acme/tiny',
  version: '1.2.0',
  state: 'open',
  text: `a key of the tests ${HOSTILE}`,
  createdAt: '2026-11-20T09:32:00.000Z',
})

function site({ check = {}, appeals }: { check?: Partial<Check>; appeals?: Appeal[] } = {}) {
  const requests: string[] = []
  const stored = Check.parse({
    id: 'chk_1',
    trainer: 'acme/tiny',
    version: '1.2.0',
    kind: 'image',
    digest: DIGEST,
    state: 'rejected',
    checks: [passed, failed],
    mayChange: true,
    createdAt: '2026-11-20T09:30:00.000Z',
    finishedAt: '2026-11-20T09:31:00.000Z',
    ...check,
  })
  const api = new Hono()
  api.get('/v1/pushes', (c) => {
    const { id, trainer, version, digest, state, createdAt } = stored
    const push = { id, trainer, version, digest, state, createdAt, kind: 'image', errors: 1, warnings: 2 }
    return c.json(PushList.parse({ pushes: [{ ...push, pushedByCaller: true, reason: HOSTILE }], nextCursor: 'next' }))
  })
  api.get('/v1/appeals', (c) => (appeals ? c.json({ appeals }) : problem('forbidden', 'only an operator decides')))
  const scanner = { name: 'ClamAV', version: `1.4.2 ${HOSTILE}`, database: '2026-11-20T09:00:00.000Z' }
  const counts = { waiting: 7, lastHour: 3, found: 2, lastAt: '2026-11-20T09:30:00.000Z' }
  const scanners = [
    { check: 'malware', scanner, ...counts },
    { check: 'vulnerabilities', reason: 'no vulnerability scanner is configured', waiting: 0, lastHour: 0, found: 0 },
  ]
  api.get('/v1/rescans', (c) => c.json({ scanners, perHour: 600 }))
  api.post('/v1/rescans', async (c) => {
    requests.push(`rescan ${await c.req.text()}`)
    return appeals ? c.json({ scanners, perHour: 600 }, 202) : problem('forbidden', 'only an operator')
  })
  api.post('/v1/appeals/:id/:verb', async (c) => {
    requests.push(`${c.req.param('verb')} ${c.req.param('id')} ${await c.req.text()}`)
    return c.json({ ...open, state: 'approved' })
  })
  api.get('/v1/checks/chk_1', (c) => c.json(stored))
  api.get('/v1/checks/chk_1/live', (c) =>
    streamSSE(c, async (stream) => {
      // The client follows until the verdict.
      for (const state of [stored.state, 'published'])
        await stream.writeSSE({ data: JSON.stringify({ type: 'check', check: { ...stored, state } }) })
    }),
  )
  api.post('/v1/checks/chk_1/:verb', async (c) => {
    requests.push(`${c.req.param('verb')} ${await c.req.text()}`)
    if (c.req.param('verb') !== 'appeal') return c.json(stored)
    return problem('conflict', 'a review was already requested')
  })
  api.notFound(() => problem('not_found', 'not found'))
  const { app } = createWeb({
    registryUrl: 'http://registry.test',
    runnerUrl: 'http://runner.test',
    fetch: async (input, init) => api.request(input instanceof URL ? input.href : input, init),
    now: () => NOW,
  })
  const send = (path: string, form: Record<string, string>) =>
    app.request(path, { method: 'POST', headers: { origin: 'http://localhost' }, body: new URLSearchParams(form) })
  return { requests, send, html: async (path: string) => await (await app.request(path)).text() }
}

describe('the list of pushes', () => {
  test('shows state, reason and findings, and links to each push', async () => {
    const html = await site().html('/pushes')
    expect(html).toContain('<a href="/pushes/chk_1">acme/tiny:1.2.0</a>')
    expect(html).toContain('1 error, 2 warnings')
    expect(html).toContain('href="/pushes?cursor=next"')
    expect(html).not.toContain('<script>alert')
  })
})

describe('the page of a push', () => {
  test('shows failed checks before passed ones, with file and line', async () => {
    const html = await site().html('/pushes/chk_1')
    expect(html.indexOf('secrets')).toBeLessThan(html.indexOf('<h3>manifest'))
    expect(html).toContain('app/key.pem:3')
    expect(html).not.toContain('<script>alert')
  })

  test('is live only while the checks run', async () => {
    expect(await site().html('/pushes/chk_1')).not.toContain('data-live')
    const running = site({ check: { state: 'checking', finishedAt: undefined } })
    expect(await running.html('/pushes/chk_1')).toContain('data-live="/pushes/chk_1/live"')
    const stream = await running.html('/pushes/chk_1/live')
    expect(stream).toContain('event: checks\ndata: <section id="push-checks"')
  })

  test('offers the owner to check again, suppress and ask for a review, and others nothing', async () => {
    const own = await site().html('/pushes/chk_1')
    for (const verb of ['retry', 'suppress', 'appeal']) expect(own).toContain(`action="/pushes/chk_1/${verb}"`)
    expect(await site({ check: { mayChange: false } }).html('/pushes/chk_1')).not.toContain(
      '<form method="post" action="/pushes',
    )
    const compliance = { ...failed, name: 'compliance' }
    expect(await site({ check: { checks: [compliance] } }).html('/pushes/chk_1')).not.toContain('/suppress"')
  })

  test('sends the forms, and shows why one was refused', async () => {
    const { requests, send } = site()
    const suppressed = await send('/pushes/chk_1/suppress', { fingerprint: 'f1', reason: 'a key of the tests' })
    expect([suppressed.status, suppressed.headers.get('location')]).toEqual([303, '/pushes/chk_1'])
    expect((await send('/pushes/chk_1/retry', {})).status).toBe(303)
    const refused = await send('/pushes/chk_1/appeal', { text: 'please, once more' })
    expect([refused.status, await refused.text()]).toEqual([
      409,
      expect.stringContaining('a review was already requested'),
    ])
    expect(requests).toEqual([
      'suppressions {"fingerprint":"f1","reason":"a key of the tests"}',
      'retry ',
      'appeal {"text":"please, once more"}',
    ])
  })

  test('shows what the moderator answered', async () => {
    const appeal = Appeal.parse({
      id: 'apl_1',
      checkId: 'chk_1',
      trainer: 'acme/tiny',
      version: '1.2.0',
      state: 'refused',
      text: 'a key of the tests',
      answer: HOSTILE,
      createdAt: '2026-11-20T09:32:00.000Z',
    })
    const html = await site({ check: { appeal } }).html('/pushes/chk_1')
    expect(html).toContain('The review was refused.')
    expect(html).not.toContain('<script>alert')
  })
})

describe('the queue of reviews', () => {
  test('is linked for moderators only, and leads to the findings, where a decision needs a note and a choice', async () => {
    expect(await site().html('/pushes')).not.toContain('/pushes/reviews')
    const queue = site({ appeals: [open], check: { appeal: open, mayDecide: true } })
    expect(await queue.html('/pushes')).toContain('<a href="/pushes/reviews">1 review to decide</a>')
    const list = await queue.html('/pushes/reviews')
    expect(list).toContain('<a href="/pushes/chk_1">acme/tiny:1.2.0</a>')
    expect(list).not.toContain('<form method="post" action="/pushes/chk_1')
    expect(list).not.toContain('<script>alert')
    expect(await queue.html('/pushes/chk_1')).toContain('action="/pushes/chk_1/decide"')
    const note = 'a key of the tests, seen'
    const undecided = await queue.send('/pushes/chk_1/decide', { appeal: 'apl_1', note, verb: '' })
    expect([undecided.status, await undecided.text()]).toEqual([400, expect.stringContaining('Choose a decision')])
    const decided = await queue.send('/pushes/chk_1/decide', { appeal: 'apl_1', note, verb: 'approve' })
    expect([decided.status, decided.headers.get('location')]).toEqual([303, '/pushes/chk_1'])
    expect(queue.requests).toEqual([`approve apl_1 ${JSON.stringify({ note })}`])
    expect(await site({ check: { appeal: open } }).html('/pushes/chk_1')).not.toContain('/decide')
  })

  test('shows the scanners with what waits to be scanned again, and has everything scanned again', async () => {
    const queue = site({ appeals: [] })
    const html = await queue.html('/pushes/reviews')
    for (const text of [
      'ClamAV 1.4.2',
      '<td>7</td>',
      '<td>2</td>',
      'no vulnerability scanner is configured',
      'at most 600',
    ])
      expect(html).toContain(text)
    expect(html).not.toContain('<script>alert')
    const started = await queue.send('/pushes/rescans', {})
    expect([started.status, started.headers.get('location')]).toEqual([303, '/pushes/reviews'])
    expect(queue.requests).toEqual(['rescan {}'])
  })
})
