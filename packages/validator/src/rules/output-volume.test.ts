import { expect, test } from 'vitest'
import type { ComplianceRecord } from '../compliance/record.ts'
import { runRule } from '../rule.ts'
import { outputVolume } from './output-volume.ts'

const found = async (outputBytes: number, messages: readonly string[]) => {
  const events = messages.map((message) => ({ type: 'log', body: { level: 'info', message } }))
  const run = { operation: 'train', purpose: 'plain', outputBytes, events }
  return (await runRule(outputVolume, { operations: [run] } as unknown as ComplianceRecord)).map(({ code }) => code)
}

test('what is logged in events counts as what is printed', async () => {
  const lines = Array.from({ length: 600 }, () => 'x'.repeat(10_000))
  expect(await found(3_000_000, lines)).toEqual([])
  expect(await found(5_000_000, lines)).toEqual(['TY414'])
  expect(await found(11_000_000, [])).toEqual(['TY414'])
})
