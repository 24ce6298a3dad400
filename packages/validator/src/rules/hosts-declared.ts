import { nameRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

/** Of the hosts in the message. */
const SHOWN = 5

export const hostsDeclared: ComplianceRule = {
  code: 'TY304',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY304'),
  help: 'Declare the host in "permissions.network" and use the proxy of HTTP_PROXY, or remove the request.',
  check({ operations }) {
    const refused = operations.filter(({ refusedHosts }) => refusedHosts.length > 0)
    if (refused.length > 0) {
      const hosts = [...new Set(refused.flatMap(({ refusedHosts }) => refusedHosts))].slice(0, SHOWN).join(', ')
      const message = `the trainer asked for hosts that it does not declare (${refused.map(nameRun).join(', ')}): ${hosts}`
      return [{ message, subject: 'hosts' }]
    }
    const contacted = operations.filter(({ processes }) => (processes.unreachable ?? 0) > 0)
    if (contacted.length === 0) return []
    const runs = contacted.map((run) => `${nameRun(run)}: ${run.processes.unreachable}`).join(', ')
    const message = `the trainer tried to reach addresses outside of the platform directly (${runs} attempts); the sandbox has no route to them`
    return [{ message, subject: 'hosts' }]
  },
}
