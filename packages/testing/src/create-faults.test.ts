import { describe, expect, it } from 'vitest'
import { createFaultScript, createFaults, type Fault, type FaultClock } from './index.ts'

const request = () =>
  new Request('http://platform.test/v1/jobs/1/events?signature=secret', { method: 'POST', body: '{"a":1}' })

function play(fault: Fault) {
  let now = 0
  const clock: FaultClock = {
    now: () => new Date(now),
    async sleep(ms) {
      now += ms
    },
  }
  const handled: string[] = []
  const faults = createFaults({ script: { seed: 0, faults: [fault] }, clock })
  const handler = faults.wrap(async (incoming) => {
    handled.push(await incoming.text())
    return Response.json({ acknowledged: 1 })
  })
  return { handler, handled, faults, clock, advance: (ms: number) => clock.sleep(ms) }
}

describe('injected faults', () => {
  it('depend only on their seed, and can be serialised', () => {
    const script = createFaultScript({ seed: 7, count: 30 })
    expect(createFaultScript({ seed: 7, count: 30 })).toEqual(script)
    expect(createFaultScript({ seed: 8, count: 30 })).not.toEqual(script)
    expect(JSON.parse(JSON.stringify(script))).toEqual(script)
    expect(new Set(script.faults.map(({ type }) => type)).size).toBe(7)
  })

  it('respond with 503 as often as the script says, then pass requests on', async () => {
    const { handler, handled, faults } = play({ type: 'unavailable', at: 0, count: 2 })
    const statuses = [await handler(request()), await handler(request()), await handler(request())].map(
      ({ status }) => status,
    )
    expect(statuses).toEqual([503, 503, 200])
    expect(handled).toHaveLength(1)
    expect(faults.log.map(({ request, path }) => [request, path])).toEqual([
      [0, '/v1/jobs/1/events'],
      [1, '/v1/jobs/1/events'],
    ])
  })

  it('set Retry-After in seconds or as a date', async () => {
    const seconds = play({ type: 'rate-limited', at: 0, count: 1, retryAfterSeconds: 5, asDate: false })
    expect((await seconds.handler(request())).headers.get('retry-after')).toBe('5')
    const date = play({ type: 'rate-limited', at: 0, count: 1, retryAfterSeconds: 5, asDate: true })
    expect((await date.handler(request())).headers.get('retry-after')).toBe('Thu, 01 Jan 1970 00:00:05 GMT')
  })

  it('handle a request and then break its response off', async () => {
    const { handler, handled } = play({ type: 'reset', at: 0, count: 1, afterBytes: 3 })
    await expect((await handler(request())).text()).rejects.toThrow('connection reset')
    expect(handled).toEqual(['{"a":1}'])
  })

  it('handle a request twice', async () => {
    const { handler, handled } = play({ type: 'duplicate', at: 0, count: 1 })
    expect((await handler(request())).status).toBe(200)
    expect(handled).toEqual(['{"a":1}', '{"a":1}'])
  })

  it('make the platform unavailable for a while', async () => {
    const { handler, advance } = play({ type: 'outage', at: 0, durationMs: 1000 })
    expect((await handler(request())).status).toBe(503)
    await advance(999)
    expect((await handler(request())).status).toBe(503)
    await advance(1)
    expect((await handler(request())).status).toBe(200)
  })

  it('delay a request, and report an expired token', async () => {
    const slow = play({ type: 'slow', at: 0, count: 1, delayMs: 300 })
    expect((await slow.handler(request())).status).toBe(200)
    expect(slow.clock.now().getTime()).toBe(300)
    const expired = play({ type: 'expired-token', at: 0, count: 1 })
    expect(await (await expired.handler(request())).json()).toMatchObject({ status: 401, code: 'token_expired' })
  })
})
