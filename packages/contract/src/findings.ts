import { z } from 'zod'

/** How much a finding matters: an error stops the trainer from being published. */
export const Severity = z.enum(['error', 'warning', 'info'])
export type Severity = z.infer<typeof Severity>

/** The phases of acceptance, in their order. */
export const CheckPhase = z.enum(['static', 'security', 'compliance'])
export type CheckPhase = z.infer<typeof CheckPhase>

/** One thing that a rule found. */
export const Finding = z
  .object({
    code: z
      .string()
      .regex(/^TY\d{3}$/)
      .describe('Stable; docs/rules has a page for each'),
    severity: Severity,
    message: z.string(),
    file: z.string().optional(),
    line: z.number().int().positive().optional(),
    column: z.number().int().positive().optional(),
    layer: z.string().optional(),
    fingerprint: z.string().describe('The same finding keeps it between runs'),
    help: z.string().describe('How to fix it'),
    docsUrl: z.string(),
  })
  .meta({ id: 'Finding' })
export type Finding = z.infer<typeof Finding>

/** How one check went. `skipped` is never shown as a pass. */
export const CheckStatus = z.enum(['waiting', 'running', 'passed', 'failed', 'skipped', 'errored'])
export type CheckStatus = z.infer<typeof CheckStatus>

/** One step of a validation: a phase of the validator, or a check of the acceptance pipeline. */
export const CheckResult = z
  .object({
    name: z.string().describe('For example "manifest", "secrets", "compliance"'),
    status: CheckStatus,
    reason: z.string().optional().describe('Why it was skipped or errored'),
    durationMs: z.number().nonnegative().optional(),
    notes: z.array(z.string()).optional().describe('How it was made: in what the trainer ran'),
    findings: z.array(Finding),
  })
  .meta({ id: 'CheckResult' })
export type CheckResult = z.infer<typeof CheckResult>

/** One HTTP exchange or observation of a compliance run, secrets masked. */
export const TimelineEntry = z.object({
  offsetMs: z.number().nonnegative(),
  kind: z.enum(['http', 'process', 'fault', 'note']),
  summary: z.string(),
  status: z.number().int().optional(),
  durationMs: z.number().nonnegative().optional(),
})
export type TimelineEntry = z.infer<typeof TimelineEntry>

/** The verdict over a trainer: what the validator prints and the registry stores. */
export const ValidationReport = z
  .object({
    verdict: z.enum(['passed', 'failed']),
    trainer: z.object({ name: z.string(), version: z.string() }).optional(),
    profile: z.enum(['author', 'ci', 'marketplace']),
    seed: z.number().int(),
    durationMs: z.number().nonnegative(),
    checks: z.array(CheckResult),
    timeline: z.array(TimelineEntry),
  })
  .meta({ id: 'ValidationReport' })
export type ValidationReport = z.infer<typeof ValidationReport>
