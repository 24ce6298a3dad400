import type { StoredEvent } from '@trainyard/contract'
import { readMetrics } from '../compliance/honesty.ts'
import { eventsOf, type OperationRecord, plainRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const checkpointsChange: ComplianceRule = {
  code: 'TY616',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY616'),
  help: 'Save the weights as they are at the end of the epoch that the "checkpoint" event names.',
  check(record) {
    const run = plainRun(record, 'train')
    if (run?.job.state !== 'succeeded') return []
    const saved = eventsOf(run, 'checkpoint').flatMap((event) => findSaved(run, event))
    const metrics = readMetrics(run, 'validation')
    for (const [index, one] of saved.entries()) {
      const other = saved.slice(index + 1).find(({ epoch, sha256 }) => epoch !== one.epoch && sha256 === one.sha256)
      if (other === undefined) continue
      // The same weights have the same metrics: then nothing was learned in between, which can be true.
      const [before, after] = [one, other].map(({ epoch }) => metrics.get(epoch))
      const changed = [...(before ?? [])].find(([name, value]) => (after?.get(name) ?? value) !== value)
      if (changed === undefined) continue
      const [name, value] = changed
      const message = `train: the checkpoints of epochs ${one.epoch} and ${other.epoch} are the same file, but "${name}" went from ${value} to ${after?.get(name)}`
      return [{ message, subject: 'same' }]
    }
    return []
  },
}

function findSaved({ artifacts }: OperationRecord, { body }: StoredEvent): { epoch: number; sha256: string }[] {
  const artifact = artifacts.find(({ id }) => id === body.artifactId)
  return artifact === undefined || typeof body.epoch !== 'number'
    ? []
    : [{ epoch: body.epoch, sha256: artifact.sha256 }]
}
