import { createHash } from 'node:crypto'
import type { CheckResult, Finding, Severity } from '@trainyard/contract'

/** The checks of every version, in the order in which they are made and shown. */
const CHECK_NAMES = ['manifest', 'secrets', 'compliance'] as const
type CheckName = (typeof CHECK_NAMES)[number]

/** What the validator calls its phases. */
const NAME_OF_PHASE: Readonly<Record<string, CheckName>> = {
  static: 'manifest',
  security: 'secrets',
  compliance: 'compliance',
}

export function waitingChecks(): CheckResult[] {
  return CHECK_NAMES.map((name) => ({ name, status: 'waiting', findings: [] }))
}

/** `results` with one of them replaced; a name that is new comes last. */
export function withResult(results: readonly CheckResult[], result: CheckResult): CheckResult[] {
  const name = NAME_OF_PHASE[result.name] ?? result.name
  const renamed = { ...result, name }
  return results.some((other) => other.name === name)
    ? results.map((other) => (other.name === name ? renamed : other))
    : [...results, renamed]
}

/** What had not ended is over now: `status` says how, `reason` why. */
export function endUnfinished(
  results: readonly CheckResult[],
  status: 'skipped' | 'errored',
  reason: string,
): CheckResult[] {
  return results.map((result) =>
    result.status === 'waiting' || result.status === 'running' ? { ...result, status, reason } : result,
  )
}

interface Rule {
  severity: Severity
  help: string
}

/** What the registry finds itself, before the validator sees a folder. The validator's rules stay below x90. */
const RULES = {
  TY190: { severity: 'error', help: 'Give trainer.json the name and version that you push to, or push to those.' },
  TY191: { severity: 'error', help: 'Correct the fields of trainer.json; trainyard-validate shows the same findings.' },
  TY192: {
    severity: 'error',
    help: 'Copy trainer.json to / of the image, or set the label dev.trainyard.manifest to where it is.',
  },
  TY290: {
    severity: 'error',
    help: 'Pack the folder with "trainyard publish": only regular files and folders, inside the folder.',
  },
  TY291: {
    severity: 'error',
    help: 'Push again with "trainyard publish": it makes the config of the bundle’s trainer.json.',
  },
} as const satisfies Record<string, Rule>

export type RegistryRule = keyof typeof RULES

export function finding(code: RegistryRule, message: string, file?: string): Finding {
  const { severity, help } = RULES[code]
  return {
    code,
    severity,
    message,
    ...(file === undefined ? {} : { file }),
    fingerprint: createHash('sha256')
      .update(`${code}\n${file ?? ''}\n${message}`)
      .digest('hex')
      .slice(0, 16),
    help,
    docsUrl: `https://github.com/trainyard/trainyard/blob/main/docs/rules/${code}.md`,
  }
}
