import { explainMissingModule, findMissingModule, pythonOf } from '@trainyard/contract'
import { nameRun, type OperationRecord } from '../compliance/record.ts'
import { type ComplianceRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

/** Of Node. Files of the trainer's own begin with a dot or a slash. */
const NODE = /Cannot find (?:package|module) '((?:@[\w.-]+\/)?\w[\w.-]*)(?:\/[^']*)?'/
/** Of sh and bash. */
const SHELL = /^\S+: (?:line )?\d+: (?:exec: )?([\w.+-]+): (?:command )?not found$/m
/** Of a shell, for a program that it did not find. */
const NOT_FOUND = 127

export const modulesDeclared: ComplianceRule = {
  code: 'TY412',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY412'),
  help: 'Declare every package that the trainer imports, and every program that it starts: in the file that "runtime.dependencies" names, in package.json, or in the Dockerfile.',
  check({ operations, manifest }) {
    const findings = new Map<string, RuleFinding>()
    for (const run of operations) {
      const missing = missingModuleOf(run)
      if (missing === undefined || findings.has(missing.name)) continue
      const { runtime, entrypoints } = manifest
      const command = entrypoints[run.operation] ?? []
      findings.set(missing.name, {
        message: `${nameRun(run)}: ${explain(missing, run, { command, runtime })}`,
        subject: missing.name,
      })
    }
    return [...findings.values()]
  },
}

type Missing =
  | { by: 'node'; name: string }
  | { by: 'shell'; name: string }
  | { by: 'python'; name: string; module: NonNullable<ReturnType<typeof findMissingModule>> }

function explain(
  missing: Missing,
  { job }: OperationRecord,
  { command, runtime }: { command: readonly string[]; runtime: { dependencies?: string | undefined } | undefined },
): string {
  const [program = ''] = command
  if (missing.by === 'node')
    return `The package "${missing.name}" is not installed for ${program}, which looked for it. Add it to "dependencies" of package.json, and to what is published`
  if (missing.by === 'shell')
    return `The program "${missing.name}" is not installed for ${program}, which looked for it in PATH. Publish an image that has it, or do without it`
  const python = pythonOf(command)
  // The runner knows which Python it started.
  const known = job.error?.message
    .split('\n')
    .find((line) => line.startsWith(`The package "${missing.module.package}"`))
  if (known !== undefined) return known
  return runtime === undefined
    ? explainMissingModule(missing.module, `${python} of the system`, { in: 'nothing' })
    : explainMissingModule(missing.module, `${python} of the environment`, {
        in: 'file',
        file: runtime.dependencies ?? 'the file of dependencies',
      })
}

/** The package or program without which a run could not succeed. */
export function missingModuleOf({ job, output, end }: OperationRecord): Missing | undefined {
  if (job.state === 'succeeded') return undefined
  const { message = '', traceback = '' } = job.error ?? {}
  const text = `${output.join('\n')}\n${traceback}\n${message}`
  const module = findMissingModule(text)
  if (module !== undefined) return { by: 'python', name: module.module, module }
  const ofNode = NODE.exec(text)?.[1]
  if (ofNode !== undefined) return { by: 'node', name: ofNode }
  const ofShell = end?.exitCode === NOT_FOUND ? SHELL.exec(text)?.[1] : undefined
  return ofShell === undefined ? undefined : { by: 'shell', name: ofShell }
}
