import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { CheckPhase, CheckResult, Finding, TimelineEntry, ValidationReport } from '@trainyard/contract'
import type { SandboxOptions } from './compliance/sandbox-choice.ts'
import { readTrainerFolder, type TrainerFolder } from './context.ts'
import { UsageError } from './errors.ts'
import { runRule } from './rule.ts'
import { COMPLIANCE_RULES, FOLDER_RULES, isSelected, phasesOf } from './rules/index.ts'
import { CHECK_NAMES, fails, judge, type Profile, requiredPhases } from './verdict.ts'

export interface ValidateOptions {
  /** The trainer's folder. */
  dir: string
  /** What fails a trainer; see `PROFILES`. Default: `author`. */
  profile?: Profile | undefined
  /** Phases to run. Default: all. The others are shown as skipped. */
  phases?: readonly CheckPhase[] | undefined
  /** Phases that must have run for a pass, beside those of the profile. */
  require?: readonly CheckPhase[] | undefined
  /** Only rules whose code begins with one of these, for example `TY4`. Default: all. */
  only?: readonly string[] | undefined
  /** Decides which faults the compliance run meets, and when. Default: a random one, which is in the report. */
  seed?: number | undefined
  /** A PostgreSQL for the compliance run, which uses a schema of its own and drops it. Default: an embedded one. */
  databaseUrl?: string | undefined
  /** In what the trainer runs. Default: in bubblewrap where it can be used (`auto`), and the report says when not. */
  sandbox?: Partial<SandboxOptions> | undefined
  /** Time for everything; what is not done by then ends as `errored`. Default: 180,000. */
  timeoutMs?: number | undefined
  /** Stops the trainer, cleans up, and rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /** Called when a check begins (`running`) and when it has ended. */
  onCheck?: ((check: CheckResult) => void) | undefined
  /** Called with a line about what the compliance run does now. */
  onProgress?: ((text: string) => void) | undefined
}

const ALL_PHASES = ['static', 'security', 'compliance'] as const satisfies readonly CheckPhase[]

interface PhaseOutcome {
  findings: Finding[]
  /** Set when the phase could not run. */
  skipped?: string
  /** Set when not all of it could run. */
  unfinished?: string
  timeline?: readonly TimelineEntry[]
  notes?: readonly string[]
}

/**
 * Checks a trainer and gives the one verdict that every rendering shows.
 *
 * @throws UsageError when `dir` is no folder; anything else that goes wrong is an `errored` check of the report.
 */
export async function validateTrainer(options: ValidateOptions): Promise<ValidationReport> {
  const { profile = 'author', only = [], timeoutMs = 180_000, onCheck } = options
  const dir = resolve(options.dir)
  await requireFolder(options.dir, dir)
  options.signal?.throwIfAborted()
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31)
  const startedAt = performance.now()
  const timeout = AbortSignal.timeout(timeoutMs)
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout
  const asked = options.phases ?? ALL_PHASES
  const selectable = phasesOf(only)
  const folder = await readTrainerFolder(dir, { signal })
  const checks: CheckResult[] = []
  let timeline: readonly TimelineEntry[] = []

  const phaseRunners: Record<CheckPhase, () => Promise<PhaseOutcome>> = {
    static: () => runFolderRules(folder, 'static', only),
    security: () => runFolderRules(folder, 'security', only),
    compliance: () => runCompliance(folder, checks, { ...options, seed, signal, only, startedAt, timeoutMs }),
  }
  for (const phase of ALL_PHASES) {
    const name = CHECK_NAMES[phase]
    const unasked = !asked.includes(phase)
      ? 'not asked for'
      : selectable.includes(phase)
        ? undefined
        : `no rule of this phase matches ${only.join(', ')}`
    if (unasked !== undefined) {
      checks.push({ name, status: 'skipped', reason: unasked, findings: [] })
      continue
    }
    onCheck?.({ name, status: 'running', findings: [] })
    const phaseStartedAt = performance.now()
    let check: CheckResult
    try {
      const outcome = await phaseRunners[phase]()
      timeline = outcome.timeline ?? timeline
      const failed = outcome.findings.some((finding) => fails(finding, profile))
      const { skipped, unfinished } = outcome
      const status = failed
        ? 'failed'
        : skipped !== undefined
          ? 'skipped'
          : unfinished !== undefined
            ? 'errored'
            : 'passed'
      const reason = skipped ?? unfinished
      check = { name, status, findings: outcome.findings, ...(reason !== undefined && { reason }) }
      if (outcome.notes) check.notes = [...outcome.notes]
    } catch (error) {
      options.signal?.throwIfAborted()
      const reason = timeout.aborted ? `not done after ${timeoutMs / 1000} s` : explain(error)
      check = { name, status: 'errored', reason, findings: [] }
    }
    check.durationMs = Math.round(performance.now() - phaseStartedAt)
    checks.push(check)
    onCheck?.(check)
  }

  const identity = readIdentity(folder)
  return {
    verdict: judge(checks, profile, requiredPhases(profile, asked, options.require ?? [])),
    ...(identity && { trainer: identity }),
    profile,
    seed,
    durationMs: Math.round(performance.now() - startedAt),
    checks,
    timeline: [...timeline],
  }
}

async function requireFolder(given: string, dir: string): Promise<void> {
  const found = await stat(dir).catch(() => undefined)
  if (!found) throw new UsageError(`there is no folder "${given}"`)
  if (!found.isDirectory()) throw new UsageError(`"${given}" is a file; wanted: the folder that holds trainer.json`)
}

async function runFolderRules(
  folder: TrainerFolder,
  phase: 'static' | 'security',
  only: readonly string[],
): Promise<PhaseOutcome> {
  const findings: Finding[] = []
  for (const rule of FOLDER_RULES) {
    if (rule.phase === phase && isSelected(rule.code, only)) findings.push(...(await runRule(rule, folder)))
  }
  return { findings }
}

async function runCompliance(
  folder: TrainerFolder,
  earlier: readonly CheckResult[],
  options: ValidateOptions & {
    seed: number
    signal: AbortSignal
    only: readonly string[]
    startedAt: number
    timeoutMs: number
  },
): Promise<PhaseOutcome> {
  const manifest = folder.manifest.state === 'read' ? folder.manifest.manifest : undefined
  if (!manifest) return { findings: [], skipped: 'the manifest cannot be used (see the findings of "manifest")' }
  const unusable = earlier
    .flatMap((check) => check.findings)
    .find(({ code }) => code === 'TY105' || code === 'TY106' || code === 'TY209')
  if (unusable) return { findings: [], skipped: `it cannot run because of ${unusable.code}` }

  // The runner is loaded only now: the static phases answer at once without it.
  const { runTrainer } = await import('./compliance/run-trainer.ts')
  const outcome = await runTrainer({
    dir: folder.dir,
    manifest,
    seed: options.seed,
    signal: options.signal,
    deadline: options.startedAt + options.timeoutMs,
    ...(options.databaseUrl !== undefined && { databaseUrl: options.databaseUrl }),
    ...(options.sandbox && { sandbox: options.sandbox }),
    ...(options.onProgress && { onProgress: options.onProgress }),
  })
  if (outcome.state === 'skipped') return { findings: [], skipped: outcome.reason }
  const findings: Finding[] = []
  for (const rule of COMPLIANCE_RULES) {
    if (isSelected(rule.code, options.only)) findings.push(...(await runRule(rule, outcome.record)))
  }
  const { timeline, unfinished, sandboxNote } = outcome.record
  return { findings, timeline, notes: [sandboxNote], ...(unfinished !== undefined && { unfinished }) }
}

/** Name and version, as far as they can be read, so that a report says what it is about. */
function readIdentity(folder: TrainerFolder): { name: string; version: string } | undefined {
  if (folder.manifest.state !== 'read') return undefined
  const raw = folder.manifest.raw as { name?: unknown; version?: unknown } | null
  if (typeof raw?.name !== 'string' || typeof raw.version !== 'string') return undefined
  return { name: raw.name.slice(0, 200), version: raw.version.slice(0, 200) }
}

function explain(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
