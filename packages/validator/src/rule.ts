import { createHash } from 'node:crypto'
import type { Finding, Severity, ValidationReport } from '@trainyard/contract'
import type { ComplianceRecord } from './compliance/record.ts'
import type { FileEdit } from './fixes/file-edit.ts'
import type { TrainerFolder } from './trainer-folder.ts'

/** A finding without the code, severity and help of its rule, which {@link toFinding} adds. */
export interface RuleFinding {
  /** Names the field, the value seen and the value expected. Must not contain secrets. */
  readonly message: string
  /** Default: the severity of the rule. */
  readonly severity?: Severity | undefined
  /** Relative to the trainer's folder. */
  readonly file?: string | undefined
  /** Starts at 1. */
  readonly line?: number | undefined
  /** Starts at 1. */
  readonly column?: number | undefined
  /** A more specific help text. Default: the help text of the rule. */
  readonly help?: string | undefined
  /** Replaces the message in the fingerprint. Needed when the message contains numbers that change between runs. */
  readonly subject?: string | undefined
}

interface RuleBase<Context> {
  /** Stable. `docs/rules/<code>.md` explains the rule. */
  readonly code: `TY${number}`
  readonly severity: Severity
  readonly docsUrl: string
  /** Replaces the severity in the profile `marketplace`. */
  readonly marketplaceSeverity?: Severity | undefined
  /** How to fix a finding, in one sentence. */
  readonly help: string
  check(context: Context): RuleFinding[] | Promise<RuleFinding[]>
}

/** Checks the trainer's folder. */
export interface FolderRule extends RuleBase<TrainerFolder> {
  readonly phase: 'static' | 'security'
  /** Changes that remove findings and cannot break the trainer. */
  fix?(folder: TrainerFolder): FileEdit[] | Promise<FileEdit[]>
}

/** Checks the record of a compliance run. */
export interface ComplianceRule extends RuleBase<ComplianceRecord> {
  readonly phase: 'compliance'
}

export type Rule = FolderRule | ComplianceRule

/** The address of the page that explains a rule. */
export function ruleDocsUrl(code: string): string {
  return `https://github.com/trainyard/trainyard/blob/main/docs/rules/${code}.md`
}

/** Runs one rule and completes its findings. */
export async function runRule<Context>(
  rule: RuleBase<Context>,
  context: Context,
  profile: ValidationReport['profile'] = 'author',
): Promise<Finding[]> {
  const severity = (profile === 'marketplace' ? rule.marketplaceSeverity : undefined) ?? rule.severity
  const findings = (await rule.check(context)).map((found) => toFinding({ ...rule, severity }, found))
  const counts = new Map<string, number>()
  return findings.map((finding) => {
    const count = (counts.get(finding.fingerprint) ?? 0) + 1
    counts.set(finding.fingerprint, count)
    return count === 1 ? finding : { ...finding, fingerprint: `${finding.fingerprint}-${count}` }
  })
}

function toFinding(rule: Pick<Rule, 'code' | 'severity' | 'help' | 'docsUrl'>, found: RuleFinding): Finding {
  return {
    code: rule.code,
    severity: found.severity ?? rule.severity,
    message: found.message,
    file: found.file,
    line: found.line,
    column: found.column,
    fingerprint: fingerprint(rule.code, found),
    help: found.help ?? rule.help,
    docsUrl: rule.docsUrl,
  }
}

/** Excludes line and column, so that moving code does not change the fingerprint. */
function fingerprint(code: string, found: RuleFinding): string {
  const parts = [code, found.file ?? '', found.subject ?? found.message]
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 16)
}
