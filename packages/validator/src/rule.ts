import { createHash } from 'node:crypto'
import type { Finding, Severity } from '@trainyard/contract'
import type { ComplianceRecord } from './compliance/record.ts'
import type { TrainerFolder } from './context.ts'

/** What a rule says about one place. The rule's own code, severity and help are added by {@link toFinding}. */
export interface RuleFinding {
  /** Names the field, the value seen and the value wanted. Never holds a secret. */
  readonly message: string
  /** When it differs from the rule's. */
  readonly severity?: Severity
  /** Relative to the trainer's folder. */
  readonly file?: string
  /** From 1. */
  readonly line?: number
  /** From 1. */
  readonly column?: number
  /** How to fix this one, when it can be said better than by the rule. */
  readonly help?: string
  /** What the fingerprint is made of instead of the message, for messages that hold numbers which change. */
  readonly subject?: string
}

interface RuleBase<Context> {
  /** Stable; `docs/rules/<code>.md` explains it. */
  readonly code: `TY${number}`
  readonly severity: Severity
  readonly docsUrl: string
  /** How to fix it, in a sentence. */
  readonly help: string
  check(context: Context): RuleFinding[] | Promise<RuleFinding[]>
}

/** Looks at the trainer's folder. */
export interface FolderRule extends RuleBase<TrainerFolder> {
  readonly phase: 'static' | 'security'
}

/** Judges what a run of the trainer left behind. */
export interface ComplianceRule extends RuleBase<ComplianceRecord> {
  readonly phase: 'compliance'
}

export type Rule = FolderRule | ComplianceRule

/** Address of the page that explains a rule. */
export function ruleDocsUrl(code: string): string {
  return `https://github.com/trainyard/trainyard/blob/main/docs/rules/${code}.md`
}

/** Runs one rule and completes its findings. */
export async function runRule<Context>(rule: RuleBase<Context>, context: Context): Promise<Finding[]> {
  const findings = (await rule.check(context)).map((found) => toFinding(rule, found))
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
    ...(found.file !== undefined && { file: found.file }),
    ...(found.line !== undefined && { line: found.line }),
    ...(found.column !== undefined && { column: found.column }),
    fingerprint: fingerprint(rule.code, found),
    help: found.help ?? rule.help,
    docsUrl: rule.docsUrl,
  }
}

/** Without line and column: moving code must not make an old finding new. */
function fingerprint(code: string, found: RuleFinding): string {
  const parts = [code, found.file ?? '', found.subject ?? found.message]
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 16)
}
