import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { checkSettings } from './check-settings.ts'

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

  it('with a hostile pattern are given up, and nothing else waits for them', async () => {
    const schema = object({ name: { type: 'string', pattern: '^(a+)+$' } })
    let isOver = false
    const hostile = checkSettings({ schema, settings: { name: `${'a'.repeat(60)}!` } }).finally(() => {
      isOver = true
    })
    let turns = 0
    while (!isOver) {
      await turn()
      turns++
    }
    expect(await hostile).toEqual({ type: 'ended' })
    expect(turns).toBeGreaterThan(100)
    // The next check has a thread of its own.
    expect(await checkSettings({ schema, settings: { name: 'aaa' } })).toMatchObject({ type: 'valid' })
  })
})
