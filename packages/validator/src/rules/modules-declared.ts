import { explainMissingModule, findMissingModule, pythonOf } from '@trainyard/contract'
import { nameRun, type OperationRecord } from '../compliance/record.ts'
import { type ComplianceRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

export const modulesDeclared: ComplianceRule = {
  code: 'TY412',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY412'),
  help: 'Declare every package that the trainer imports in the file that "runtime.dependencies" names.',
  check({ operations, manifest }) {
    const findings = new Map<string, RuleFinding>()
    for (const run of operations) {
      const missing = missingModuleOf(run)
      if (missing === undefined || findings.has(missing.module)) continue
      const { runtime, entrypoints } = manifest
      const program = pythonOf(entrypoints[run.operation] ?? [])
      const { message = '' } = run.job.error ?? {}
      // The runner knows which Python it started.
      const known = message.split('\n').find((line) => line.startsWith(`The package "${missing.package}"`))
      const file = runtime === undefined ? undefined : (runtime.dependencies ?? 'the file of dependencies')
      const hint =
        file === undefined
          ? explainMissingModule(missing, `${program} of the system`, { in: 'nothing' })
          : explainMissingModule(missing, `${program} of the environment`, { in: 'file', file })
      findings.set(missing.module, { message: `${nameRun(run)}: ${known ?? hint}`, subject: missing.module })
    }
    return [...findings.values()]
  },
}

/** The package without which a run could not succeed. */
export function missingModuleOf({ job, output }: OperationRecord) {
  if (job.state === 'succeeded') return undefined
  const { message = '', traceback = '' } = job.error ?? {}
  return findMissingModule(`${output.join('\n')}\n${traceback}\n${message}`)
}
