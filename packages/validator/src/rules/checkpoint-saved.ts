import { eventsOf, plainRun } from '../compliance/record.ts'
import { type ComplianceRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

export const checkpointSaved: ComplianceRule = {
  code: 'TY405',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY405'),
  help: 'Upload the checkpoint as an artifact of kind "checkpoint", complete the upload, then send "checkpoint" with its id.',
  check(record) {
    const run = plainRun(record, 'train')
    if (run?.job.state !== 'succeeded') return []
    const checkpoints = eventsOf(run, 'checkpoint')
    if (checkpoints.length === 0) return [{ message: 'training completed without a "checkpoint" event' }]
    const findings: RuleFinding[] = []
    for (const { body } of checkpoints) {
      const artifact = run.artifacts.find(({ id }) => id === body.artifactId)
      const name = `the checkpoint "${String(body.name)}"`
      if (!artifact)
        findings.push({ message: `${name} refers to the artifact "${String(body.artifactId)}", which does not exist` })
      else if (artifact.kind !== 'checkpoint') {
        findings.push({ message: `${name} is an artifact of kind "${artifact.kind}"; expected "checkpoint"` })
      } else if (artifact.sizeBytes === 0) findings.push({ message: `${name} is empty` })
    }
    return findings
  },
}
