import { z } from 'zod'

/** The severity of a finding. An error prevents the trainer from being published. */
export const Severity = z.enum(['error', 'warning', 'info'])
export type Severity = z.infer<typeof Severity>

/** The phases of acceptance, in order. */
export const CheckPhase = z.enum(['static', 'security', 'compliance'])
export type CheckPhase = z.infer<typeof CheckPhase>

/** The checks of the registry, in the order in which they run and are shown. */
export const CheckName = z.enum(['manifest', 'image', 'secrets', 'malware', 'sbom', 'vulnerabilities', 'compliance'])
export type CheckName = z.infer<typeof CheckName>

/** The checks whose findings an owner can suppress with a reason: others are facts, or protect those who run the trainer. */
export const SUPPRESSIBLE_CHECKS: readonly string[] = ['image', 'secrets', 'vulnerabilities'] satisfies CheckName[]

/** A problem that a rule found. */
export const Finding = z
  .object({
    code: z
      .string()
      .regex(/^TY\d{3}$/)
      .describe('Stable code, documented in docs/rules'),
    severity: Severity,
    message: z.string(),
    file: z.string().optional(),
    line: z.number().int().positive().optional(),
    column: z.number().int().positive().optional(),
    layer: z.string().optional(),
    fingerprint: z.string().describe('Identifies the same finding across runs'),
    help: z.string().describe('How to fix it'),
    docsUrl: z.string(),
    suppressed: z
      .object({ reason: z.string(), at: z.iso.datetime() })
      .optional()
      .describe('Set if the owner suppressed it: it does not fail its check, and everybody sees the reason'),
  })
  .meta({ id: 'Finding' })
export type Finding = z.infer<typeof Finding>

/** The status of a check. `skipped` is never shown as a pass. */
export const CheckStatus = z.enum(['waiting', 'running', 'passed', 'failed', 'skipped', 'errored'])
export type CheckStatus = z.infer<typeof CheckStatus>

/** How far a running check has come. `total` is absent while it is unknown. */
export const CheckProgress = z
  .object({
    done: z.number().nonnegative(),
    total: z.number().nonnegative().optional(),
    unit: z.enum(['bytes', 'files', 'layers', 'steps']),
    what: z.string().max(500).optional().describe('What is being read, for example a layer or a file'),
  })
  .meta({ id: 'CheckProgress' })
export type CheckProgress = z.infer<typeof CheckProgress>

/** The program that looked for findings. A result says nothing about what a newer database would find. */
export const CheckScanner = z
  .object({
    name: z.string(),
    version: z.string(),
    database: z.string().optional().describe('The version or date of its database'),
  })
  .meta({ id: 'CheckScanner' })
export type CheckScanner = z.infer<typeof CheckScanner>

/** One step of a validation: a phase of the validator, or a check of the acceptance pipeline. */
export const CheckResult = z
  .object({
    name: z.string().describe('For example "manifest", "secrets", "compliance"'),
    status: CheckStatus,
    reason: z.string().optional().describe('Why it was skipped or errored'),
    fault: z
      .literal('platform')
      .optional()
      .describe('Set if it errored because of the platform and not of the trainer. The registry tries it again'),
    retryAt: z.iso.datetime().optional().describe('When the registry tries it again'),
    enforced: z.boolean().optional().describe('Whether its errors reject the version. Absent: they do'),
    required: z.boolean().optional().describe('Whether it must have run for the version to count as checked'),
    startedAt: z.iso.datetime().optional(),
    durationMs: z.number().nonnegative().optional(),
    progress: CheckProgress.optional().describe('Only while it is running'),
    scanner: CheckScanner.optional(),
    rescannedAt: z.iso.datetime().optional().describe('When it ran again after the version was published'),
    notes: z.array(z.string()).optional().describe('How the check ran, for example whether in a sandbox'),
    findings: z.array(Finding),
    omittedFindings: z.number().int().optional().describe('How many findings were left out; errors are kept first'),
  })
  .meta({ id: 'CheckResult' })
export type CheckResult = z.infer<typeof CheckResult>

/** An HTTP exchange or an observation of a compliance run. Secrets are masked. */
export const TimelineEntry = z.object({
  offsetMs: z.number().nonnegative(),
  kind: z.enum(['http', 'process', 'fault', 'note']),
  summary: z.string(),
  status: z.number().int().optional(),
  durationMs: z.number().nonnegative().optional(),
})
export type TimelineEntry = z.infer<typeof TimelineEntry>

/** The result of a validation, which the validator prints and the registry stores. */
export const ValidationReport = z
  .object({
    verdict: z.enum(['passed', 'failed']),
    trainer: z.object({ name: z.string(), version: z.string() }).optional(),
    profile: z.enum(['author', 'ci', 'marketplace']),
    seed: z.number().int(),
    durationMs: z.number().nonnegative(),
    checks: z.array(CheckResult),
    timeline: z.array(TimelineEntry),
    run: z
      .object({
        version: z.string().describe('Of the validator'),
        node: z.string(),
        machine: z.object({
          platform: z.string(),
          arch: z.string(),
          cpus: z.number().int(),
          memoryMb: z.number().int(),
        }),
        phases: z.array(CheckPhase).optional().describe('Absent: all'),
        require: z.array(CheckPhase),
        only: z.array(z.string()),
        timeoutSeconds: z.number(),
        sandbox: z.string(),
        target: z
          .object({
            given: z.string().optional().describe('A folder, a file or the name of an image, as it was given'),
            digest: z.string().optional().describe('Of what is published; a bundle has the digest of its folder'),
          })
          .optional(),
      })
      .optional()
      .describe('How it was made: `trainyard-validate replay` repeats it'),
  })
  .meta({ id: 'ValidationReport' })
export type ValidationReport = z.infer<typeof ValidationReport>

/** What a trainer's Python environment may take in a check, in milliseconds, in addition to the time limit of the check. */
export const ENVIRONMENT_CHECK_MS = 600_000
