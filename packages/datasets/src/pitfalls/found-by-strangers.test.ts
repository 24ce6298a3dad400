import { describe, expect, it } from 'vitest'
import { describeOutcome } from '../testing/describe-outcome.ts'
import { STRANGERS_CASES } from './found-by-strangers.cases.ts'

describe.each(Object.entries(STRANGERS_CASES))('%s', (_kind, cases) => {
  it.each(cases.map((item) => [item.what, item] as const))('%s', async (_what, item) => {
    expect(await describeOutcome(item)).toBe(item.outcome)
  })
})
