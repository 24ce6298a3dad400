import { describeEnd, nameRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'
import { missingModuleOf } from './modules-declared.ts'

export const startsInTime: ComplianceRule = {
  code: 'TY408',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY408'),
  help: 'Send "started" before slow work such as large imports, downloads and compilation.',
  check({ operations }) {
    return (
      operations
        .filter((run) => run.events.length === 0 && run.purpose !== 'faults')
        // TY412 reports a missing package.
        .filter((run) => missingModuleOf(run) === undefined)
        .map((run) => {
          const lines = run.output.slice(-3).join(' ⏎ ').slice(0, 300)
          const output = lines === '' ? '' : `; last output: ${lines}`
          return { message: `${nameRun(run)} sent no event and ${describeEnd(run)}${output}`, subject: nameRun(run) }
        })
    )
  },
}
