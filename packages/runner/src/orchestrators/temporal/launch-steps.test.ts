import { describe, expect, it } from 'vitest'
import type { LaunchVerb } from '../../supervisor/launch-stage.ts'
import { LaunchSteps } from './launch-steps.ts'

/** A launch that records its steps, and ends after the last one or where it is told to. */
function launch({ endsBefore, waitMs = 3_600_000 }: { endsBefore?: LaunchVerb; waitMs?: number } = {}) {
  const done: string[] = []
  const steps = new LaunchSteps(async (before) => {
    done.push('validate')
    for (const verb of ['prepare', 'launch'] as const) {
      if (verb === endsBefore) return
      await before(verb)
      done.push(verb)
    }
  }, waitMs)
  return { steps, done }
}

describe('the steps of a launch', () => {
  it('begin when they are allowed to', async () => {
    const { steps, done } = launch()
    expect(await steps.reached('prepare')).toBe(true)
    expect(done).toEqual(['validate'])
    steps.allow('prepare')
    expect(await steps.reached('launch')).toBe(true)
    expect(done).toEqual(['validate', 'prepare'])
    expect(steps.hasEnded).toBe(false)
    steps.allow('launch')
    await steps.ended()
    expect(done).toEqual(['validate', 'prepare', 'launch'])
    expect(steps.hasEnded).toBe(true)
  })

  it('are not reached when the launch ends before', async () => {
    const { steps } = launch({ endsBefore: 'launch' })
    steps.allow('prepare')
    expect(await steps.reached('prepare')).toBe(true)
    expect(await steps.reached('launch')).toBe(false)
    expect(steps.hasEnded).toBe(true)
  })

  it('begin anyway when no one allows them in time', async () => {
    const { steps, done } = launch({ waitMs: 1 })
    await steps.ended()
    expect(done).toEqual(['validate', 'prepare', 'launch'])
  })
})
