import { eventsOf, nameRun, type OperationRecord } from '../compliance/record.ts'
import { type ComplianceRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

export const epochsComplete: ComplianceRule = {
  code: 'TY402',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY402'),
  help: 'Send "progress" with `epoch` and `totalEpochs` after every epoch. The first epoch is 1.',
  check({ operations }) {
    const trained = operations.filter(
      (run) => run.operation === 'train' && run.purpose === 'plain' && run.job.state === 'succeeded',
    )
    return trained.flatMap(checkEpochs)
  },
}

function checkEpochs(run: OperationRecord): RuleFinding[] {
  const name = nameRun(run)
  const findings: RuleFinding[] = []
  const progress = eventsOf(run, 'progress').filter((event) => typeof event.body.epoch === 'number')
  const epochs = progress.map((event) => Number(event.body.epoch))
  if (epochs.length === 0) return [{ message: `${name}: no "progress" event has an epoch` }]
  const back = epochs.findIndex((epoch, index) => epoch < (epochs[index - 1] ?? 0))
  if (back !== -1) {
    findings.push({ message: `${name}: epoch ${epochs[back]} was reported after epoch ${epochs[back - 1]}` })
  }
  const totals = new Set(progress.map((event) => event.body.totalEpochs).filter((total) => typeof total === 'number'))
  if (totals.size > 1) {
    findings.push({ message: `${name}: "totalEpochs" changes (${[...totals].join(', ')})` })
  }
  if (run.epochs !== undefined) {
    const seen = new Set(epochs)
    const missing = Array.from({ length: run.epochs }, (_, index) => index + 1).filter((epoch) => !seen.has(epoch))
    if (missing.length > 0) {
      const message = `${name}: ${run.epochs} epochs were requested, but epoch ${missing.join(', ')} was not reported`
      findings.push({ message })
    }
    const highest = Math.max(...epochs)
    if (highest > run.epochs) {
      findings.push({ message: `${name}: ${run.epochs} epochs were requested, but epoch ${highest} was reported` })
    }
  }
  return findings
}
