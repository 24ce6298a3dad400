import { eventsOf, findRun, type OperationRecord, plainRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

/** Libraries add numbers in another order from run to run, so results are not equal to the last digit. */
const TOLERANCE = 0.05
/** Metrics that depend on the machine. */
const OF_MACHINE = /time|second|duration|speed|throughput|per_|memory|\bmem\b|gpu|cpu|eta|date|\bms\b|_ms$/i
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
    const second = readMetrics(other)
    const different = [...readMetrics(one)].flatMap(([key, value]) => {
      const again = second.get(key)
      return again === undefined || isClose(value, again) ? [] : [`${key} was ${value}, then ${again}`]
    })
    if (different.length === 0) return []
    const message = `two trainings with the same seed and dataset differ: ${different.slice(0, SHOWN).join('; ')}`
    return [{ message, subject: 'seed' }]
  },
}

/** The last value of each metric of each epoch. */
function readMetrics(run: OperationRecord): Map<string, number> {
  const found = new Map<string, number>()
  for (const { body } of eventsOf(run, 'progress', 'validation')) {
    if (typeof body.epoch !== 'number') continue
    const { primary, metrics = {} } = body as { primary?: { name: string; value: unknown }; metrics?: object }
    const all = Object.entries(primary === undefined ? metrics : { ...metrics, [primary.name]: primary.value })
    for (const [name, value] of all)
      if (typeof value === 'number' && !OF_MACHINE.test(name)) found.set(`"${name}" of epoch ${body.epoch}`, value)
  }
  return found
}

function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a), Math.abs(b))
}
