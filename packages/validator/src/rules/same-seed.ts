import { readMetrics } from '../compliance/honesty.ts'
import { findRun, type OperationRecord, plainRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

/** Libraries add numbers in another order from run to run, so results are not equal to the last digit. */
const TOLERANCE = 0.05
const SHOWN = 3

export const sameSeed: ComplianceRule = {
  code: 'TY415',
  severity: 'warning',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY415'),
  help: 'Seed every source of randomness with the setting `seed`: the language, NumPy, the framework and the order of the images.',
  check(record) {
    const [one, other] = [plainRun(record, 'train'), findRun(record, 'train', 'faults')]
    if (!record.isSeeded || one?.job.state !== 'succeeded' || other?.job.state !== 'succeeded') return []
    const second = listMetrics(other)
    const different = [...listMetrics(one)].flatMap(([key, value]) => {
      const again = second.get(key)
      return again === undefined || isClose(value, again) ? [] : [`${key} was ${value}, then ${again}`]
    })
    if (different.length === 0) return []
    const message = `two trainings with the same seed and dataset differ: ${different.slice(0, SHOWN).join('; ')}`
    return [{ message, subject: 'seed' }]
  },
}

function listMetrics(run: OperationRecord): Map<string, number> {
  const all = readMetrics(run, 'progress', 'validation')
  return new Map(
    [...all].flatMap(([epoch, metrics]) =>
      [...metrics].map(([name, value]) => [`"${name}" of epoch ${epoch}`, value] as const),
    ),
  )
}

function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a), Math.abs(b))
}
