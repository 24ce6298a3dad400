import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, isOver, openJournal, startHarness } from '../../testing/harness.ts'
import { parseExposition, type Sample } from '../testing/parse-exposition.ts'

const TOKEN = 'a-token-that-scrapers-know'

describe('/metrics', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ start: true, config: { metrics: { open: false, token: TOKEN } } })
  })
  afterAll(async () => await harness.close())

  const scrape = async () => {
    const response = await harness.request('/metrics', { headers: { authorization: `Bearer ${TOKEN}` } })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain('text/plain')
    return parseExposition(await response.text())
  }
  const value = (samples: readonly Sample[], name: string, labels: Record<string, string> = {}) =>
    samples
      .filter((sample) => sample.name === name)
      .filter((sample) => Object.entries(labels).every(([key, expected]) => sample.labels[key] === expected))
      .reduce((sum, sample) => sum + sample.value, 0)

  it('requires the token', async () => {
    expect((await harness.request('/metrics')).status).toBe(401)
    const wrong = await harness.request('/metrics', { headers: { authorization: 'Bearer nonsense' } })
    expect(wrong.status).toBe(401)
  })

  it('counts a job from the queue to its end, and has no job in a label', async () => {
    const before = (await scrape()).samples
    const job = await harness.createJob()
    await harness.waitFor(job.id, isOver)
    const { samples, types } = await scrape()
    const grown = (name: string, labels?: Record<string, string>) =>
      value(samples, name, labels) - value(before, name, labels)

    expect(grown('trainyard_attempts_ended_total', { reason: 'completed' })).toBe(1)
    expect(grown('trainyard_queue_wait_seconds_count')).toBe(1)
    expect(grown('trainyard_launch_seconds_count', { launcher: 'subprocess', outcome: 'ok' })).toBe(1)
    expect(grown('trainyard_intake_requests_total', { endpoint: 'events', status: '200' })).toBeGreaterThan(0)
    expect(grown('trainyard_intake_events_total')).toBeGreaterThan(2)
    expect(grown('trainyard_intake_points_total')).toBeGreaterThan(0)
    expect(grown('trainyard_lease_claims_total', { kind: 'queued' })).toBe(1)
    expect(value(samples, 'trainyard_database_up')).toBe(1)
    expect(types.get('process_cpu_seconds_total')).toBe('counter')
    expect(types.get('trainyard_intake_request_seconds')).toBe('histogram')
    for (const { name, labels } of samples.filter((sample) => sample.name.startsWith('trainyard_')))
      for (const [label, seen] of Object.entries(labels))
        if (label !== 'le' && label !== 'status') expect(seen, `${name} ${label}`).not.toMatch(/^\d+$/)
    expect(samples.length).toBeLessThan(1000)
  })

  it('counts rejected events', async () => {
    const journal = await openJournal(harness)
    const before = (await scrape()).samples
    await journal.send(1, [{ type: 'nonsense' }, { type: 'log', level: 'info', message: 'a line' }])
    const { samples } = await scrape()
    expect(value(samples, 'trainyard_intake_rejected_events_total')).toBe(
      value(before, 'trainyard_intake_rejected_events_total') + 1,
    )
  })
})

describe('/metrics without a token', () => {
  it('counts queued jobs', async () => {
    const harness = await startHarness({ config: { metrics: { open: true } } })
    try {
      await harness.createJob()
      const { samples } = parseExposition(await (await harness.request('/metrics')).text())
      const waiting = samples.filter(({ name, labels }) => name === 'trainyard_jobs' && labels.state === 'queued')
      expect(waiting.map((one) => one.value)).toEqual([1])
    } finally {
      await harness.close()
    }
  })

  it('answers requests from this machine only', async () => {
    const harness = await startHarness({ config: { metrics: { open: true } } })
    expect((await harness.request('/metrics')).status).toBe(200)
    const proxied = await harness.request('/metrics', { headers: { 'x-forwarded-for': '10.0.0.1' } })
    expect(proxied.status).toBe(403)
    // A page of another site, whose name was rebound to this machine.
    for (const headers of [{ host: 'evil.test:7600' }, { 'x-forwarded-host': 'evil.test' }])
      expect((await harness.request('/metrics', { headers })).status).toBe(403)
    expect((await harness.request('/metrics', { headers: { host: '127.0.0.1:7600' } })).status).toBe(200)
    await harness.close()
    const closed = await startHarness()
    expect((await closed.request('/metrics')).status).toBe(403)
    await closed.close()
  })
})

describe('the parser of the exposition format', () => {
  it('rejects what Prometheus rejects', () => {
    expect(() => parseExposition('# TYPE a counter\na{b="1} 1\n')).toThrow(/line 2/)
    expect(() => parseExposition('# TYPE a counter\na 1\na 2\n')).toThrow(/line 3 is a duplicate/)
    expect(() => parseExposition('a one\n')).toThrow(/line 1/)
    expect(() => parseExposition('a 1')).toThrow(/newline/)
  })
})
