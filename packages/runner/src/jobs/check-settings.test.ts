import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { checkSettings, createSettingsCheck } from './check-settings.ts'

const object = (properties: Record<string, unknown>) => ({ type: 'object' as const, properties })

describe('settings', () => {
  it('are checked in a thread, with defaults', async () => {
    const schema = object({ epochs: { type: 'integer', default: 3 }, lr: { type: 'number' } })
    expect(await checkSettings({ schema, settings: { lr: 0.1 } })).toEqual({
      type: 'valid',
      settings: { epochs: 3, lr: 0.1 },
    })
    expect(await checkSettings({ schema, settings: { lr: 'high' } })).toMatchObject({
      type: 'invalid',
      errors: [{ instancePath: '/lr', keyword: 'type', data: 'high' }],
    })
    expect(await checkSettings({ schema: object({ lr: { type: 'odd' } }), settings: {} })).toMatchObject({
      type: 'bad-schema',
    })
  })

  const hostile = {
    schema: object({ name: { type: 'string', pattern: '^(a+)+$' } }),
    settings: { name: `${'a'.repeat(60)}!` },
  }
  const honest = { schema: hostile.schema, settings: { name: 'aaa' } }

  it('with a hostile pattern are given up, and nothing else waits for them', async () => {
    // An hour of patience: what ends the check is the CPU time that the thread really uses.
    const check = createSettingsCheck({ cpuLimitMs: 300, patienceMs: 3_600_000 })
    let isOver = false
    const ended = check(hostile).finally(() => {
      isOver = true
    })
    let turns = 0
    while (!isOver) {
      await turn()
      turns++
    }
    expect(await ended).toEqual({ type: 'ended' })
    expect(turns).toBeGreaterThan(100)
    // The next check has a thread of its own.
    expect(await check(honest)).toMatchObject({ type: 'valid' })
  })

  it('are never refused because the machine gives the thread no time', async () => {
    const starved = createSettingsCheck({ cpuTimeMs: async () => 0, cpuLimitMs: 0, patienceMs: 0 })
    expect(await starved(hostile)).toEqual({ type: 'busy' })
    const unmeasured = createSettingsCheck({ cpuTimeMs: async () => undefined, cpuLimitMs: 0, patienceMs: 0 })
    expect(await unmeasured(hostile)).toEqual({ type: 'busy' })
    const unreadable = createSettingsCheck({ cpuTimeMs: () => Promise.reject(new Error('ended')), patienceMs: 0 })
    expect(await unreadable(hostile)).toEqual({ type: 'busy' })
  })

  it('are charged with the CPU time of their own check only', async () => {
    let used = 60_000
    const check = createSettingsCheck({ cpuTimeMs: async () => used, patienceMs: 3_600_000 })
    // The thread has used a minute for others.
    expect(await check(honest)).toMatchObject({ type: 'valid' })
    const meter = setInterval(() => {
      used += 3000
    }, 1)
    expect(await check(hostile)).toEqual({ type: 'ended' })
    clearInterval(meter)
  })

  it('with a schema that refers to itself without end name the schema', async () => {
    const endless = { ...object({}), allOf: [{ $ref: '#' }] }
    expect(await checkSettings({ schema: endless, settings: {} })).toMatchObject({ type: 'bad-schema' })
  })
})
