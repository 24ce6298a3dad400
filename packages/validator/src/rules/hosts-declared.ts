import { nameRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const hostsDeclared: ComplianceRule = {
  code: 'TY304',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY304'),
  help: 'Declare the host in "permissions.network" and use the proxy of HTTP_PROXY, or remove the request.',
  check({ operations }) {
    const contacted = operations.filter(({ processes }) => (processes.unreachable ?? 0) > 0)
    if (contacted.length === 0) return []
    const runs = contacted.map((run) => `${nameRun(run)}: ${run.processes.unreachable}`).join(', ')
    const message = `the trainer tried to reach addresses outside of the platform directly (${runs} attempts); the sandbox has no route to them`
    return [{ message, subject: 'hosts' }]
  },
}
