import { stat } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { resolve } from 'node:path'
import type {
  CheckPhase,
  CheckResult,
  CheckStatus,
  Finding,
  IgnoreRules,
  TimelineEntry,
  ValidationReport,
} from '@trainyard/contract'
import { EnvironmentError } from '@trainyard/environments'
import type { SandboxOptions } from './compliance/sandbox-choice.ts'
import type { Baseline } from './config/baseline.ts'
import { suppress } from './config/suppress.ts'
import { SandboxUnavailableError, UsageError } from './errors.ts'
import { runRule } from './rule.ts'
import { FOLDER_RULES, isSelected, phasesOf } from './rules/index.ts'
import { type PhaseOutcome, runCompliance } from './run-compliance.ts'
import { digestOfFolder } from './targets/target-digest.ts'
import { TimeLimit } from './time-limit.ts'
import { readIgnoreRules, readTrainerFolder, type TrainerFolder } from './trainer-folder.ts'
import { CHECK_NAMES, fails, judge, type Profile, requiredPhases } from './verdict.ts'
import { VERSION } from './version.ts'

export interface ValidateOptions {
  /** The trainer's folder. */
  dir: string
  /** Whether the folder is an unpacked bundle. Otherwise, what `.trainyardignore` names is left out, as when publishing. */
  isBundle?: boolean | undefined
  /** Whether the report has the digest of the folder, for which all of it is read. Default: true. */
  withDigest?: boolean | undefined
  /** Which findings fail the trainer; see `PROFILES`. Default: `author`. */
  profile?: Profile | undefined
  /** Phases to run. Default: all. Other phases are reported as skipped. */
  phases?: readonly CheckPhase[] | undefined
  /** Phases that must run for a pass, in addition to those of the profile. */
  require?: readonly CheckPhase[] | undefined
  /** Runs only rules whose code starts with one of these prefixes, for example `TY4`. Default: all. */
  only?: readonly string[] | undefined
  /** Determines the faults of the compliance run. Default: random. The report contains the seed. */
  seed?: number | undefined
  /** The PostgreSQL server for the compliance run, which creates a schema and drops it. Default: an embedded server. */
  databaseUrl?: string | undefined
  /** The sandbox for the trainer. Default: bubblewrap if it is available (`auto`). The report states what was used. */
  sandbox?: Partial<SandboxOptions> | undefined
  /** Time limit for the whole validation. Phases that are not finished by then are `errored`. Default: 180,000. */
  timeoutMs?: number | undefined
  /** Known findings, which do not fail the trainer. Not allowed in the profile `marketplace`. */
  baseline?: Baseline | undefined
  /** Findings of the static rules in other files are left out. Paths are relative to the folder. */
  changedFiles?: ReadonlySet<string> | undefined
  /** Aborting it stops the trainer, cleans up, and rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /** Called when a check starts (`running`) and when it has finished. */
  onCheck?: ((check: CheckResult) => void) | undefined
  /** Called with a line of text about the progress of the compliance run. */
  onProgress?: ((text: string) => void) | undefined
}

const ALL_PHASES = ['static', 'security', 'compliance'] as const satisfies readonly CheckPhase[]

/**
 * Checks a trainer and returns a report with the verdict.
 *
 * @throws UsageError if `dir` is not a folder. Other failures are `errored` checks of the report.
 */
export async function validateTrainer(options: ValidateOptions): Promise<ValidationReport> {
  const { profile = 'author', only = [], timeoutMs = 180_000, onCheck } = options
  const dir = resolve(options.dir)
  await requireFolder(options.dir, dir)
  options.signal?.throwIfAborted()
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31)
  const startedAt = performance.now()
  using limit = new TimeLimit(timeoutMs)
  const timeout = limit.signal
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout
  const requested = options.phases ?? ALL_PHASES
  const selectable = phasesOf(only)
  // A bundle is what was published: a file in it that says otherwise must not hide the others.
  const isIgnored = options.isBundle === true ? undefined : await readIgnoreRules(dir)
  const folder = await readTrainerFolder(dir, { signal, isIgnored })
  const digest = options.withDigest === false ? undefined : await digestOfFolder(folder)
  const baseline = profile === 'marketplace' ? undefined : options.baseline
  // What the author ignores is shown to those who look for a trainer.
  const ignores = profile !== 'marketplace' && folder.config.state === 'read' ? folder.config.ignores : []
  const checks: CheckResult[] = []
  let timeline: readonly TimelineEntry[] = []

  const phaseRunners: Record<CheckPhase, () => Promise<PhaseOutcome>> = {
    static: () => runFolderRules(folder, 'static', options),
    security: () => runFolderRules(folder, 'security', options),
    compliance: () => checkCompliance(folder, checks, { ...options, seed, signal, only, limit, isIgnored }),
  }
  for (const phase of ALL_PHASES) {
    const name = CHECK_NAMES[phase]
    if (!requested.includes(phase)) {
      checks.push({ name, status: 'skipped', reason: 'not requested', findings: [] })
      continue
    }
    if (!selectable.includes(phase)) {
      const reason = `no rule of this phase matches ${only.join(', ')}`
      checks.push({ name, status: 'skipped', reason, findings: [] })
      continue
    }
    onCheck?.({ name, status: 'running', findings: [] })
    const phaseStartedAt = performance.now()
    let check: CheckResult
    try {
      const ran = await phaseRunners[phase]()
      const outcome = { ...ran, findings: suppress(ran.findings, { ignores, baseline }) }
      timeline = outcome.timeline ?? timeline
      check = {
        name,
        status: statusOf(outcome, profile),
        reason: outcome.skipped ?? outcome.unfinished,
        notes: outcome.notes && [...outcome.notes],
        findings: outcome.findings,
      }
    } catch (error) {
      options.signal?.throwIfAborted()
      const reason = timeout.aborted ? `not finished after ${timeoutMs / 1000} s` : explain(error)
      const fault = isOurFault(error) ? 'platform' : undefined
      check = { name, status: 'errored', reason, fault, findings: [] }
    }
    check.durationMs = Math.round(performance.now() - phaseStartedAt)
    checks.push(check)
    onCheck?.(check)
  }

  return {
    verdict: judge(checks, profile, requiredPhases(profile, requested, options.require ?? [])),
    trainer: readIdentity(folder),
    profile,
    seed,
    durationMs: Math.round(performance.now() - startedAt),
    checks,
    timeline: [...timeline],
    run: describeRun(options, timeoutMs, digest),
  }
}

/** What is needed to repeat a validation, and to understand a difference. */
export function describeRun(
  options: Pick<ValidateOptions, 'phases' | 'require' | 'only' | 'sandbox'>,
  timeoutMs: number,
  digest?: string | undefined,
): NonNullable<ValidationReport['run']> {
  const { phases, require: required = [], only = [], sandbox } = options
  return {
    version: VERSION,
    node: process.versions.node,
    machine: {
      platform: process.platform,
      arch: process.arch,
      cpus: availableParallelism(),
      memoryMb: Math.round(totalmem() / 1024 ** 2),
    },
    phases: phases && [...phases],
    require: [...required],
    only: [...only],
    timeoutSeconds: timeoutMs / 1000,
    sandbox: sandbox?.choice ?? 'auto',
    target: digest === undefined ? undefined : { digest },
  }
}

/** Shown while the Python environment of a trainer is prepared, which can take minutes. */
const PREPARING: CheckResult = {
  name: CHECK_NAMES.compliance,
  status: 'running',
  findings: [],
  progress: { done: 0, unit: 'steps', what: 'preparing the Python environment' },
}

export function statusOf({ findings, skipped, unfinished }: PhaseOutcome, profile: Profile): CheckStatus {
  if (findings.some((finding) => fails(finding, profile))) return 'failed'
  if (skipped !== undefined) return 'skipped'
  return unfinished === undefined ? 'passed' : 'errored'
}

async function requireFolder(given: string, dir: string): Promise<void> {
  const found = await stat(dir).catch(() => undefined)
  if (!found) throw new UsageError(`the folder "${given}" does not exist`)
  if (!found.isDirectory()) throw new UsageError(`"${given}" is a file; expected the folder that contains trainer.json`)
}

async function runFolderRules(
  folder: TrainerFolder,
  phase: 'static' | 'security',
  { only = [], profile, changedFiles }: ValidateOptions,
): Promise<PhaseOutcome> {
  const findings: Finding[] = []
  for (const rule of FOLDER_RULES) {
    if (rule.phase === phase && isSelected(rule.code, only)) findings.push(...(await runRule(rule, folder, profile)))
  }
  if (changedFiles === undefined) return { findings }
  const notes = [`only findings in the ${changedFiles.size} changed files are shown`]
  return { findings: findings.filter(({ file }) => file === undefined || changedFiles.has(file)), notes }
}

async function checkCompliance(
  folder: TrainerFolder,
  earlier: readonly CheckResult[],
  options: ValidateOptions & {
    seed: number
    signal: AbortSignal
    only: readonly string[]
    limit: TimeLimit
    isIgnored: IgnoreRules | undefined
  },
): Promise<PhaseOutcome> {
  const manifest = folder.manifest.state === 'read' ? folder.manifest.manifest : undefined
  if (!manifest) return { findings: [], skipped: 'the manifest is not valid (see the findings of "manifest")' }
  const unusable = earlier
    .flatMap((check) => check.findings)
    .find(({ code }) => ['TY105', 'TY106', 'TY111', 'TY209'].includes(code))
  if (unusable) return { findings: [], skipped: `the trainer cannot run because of ${unusable.code}` }
  if (process.platform === 'win32')
    return {
      findings: [],
      skipped: 'it needs Linux or macOS: on Windows, use WSL',
    }

  const { seed, signal, limit, profile, only, databaseUrl, sandbox, onProgress, isIgnored, onCheck } = options
  return await runCompliance({
    trainer: { dir: folder.dir, isIgnored },
    manifest,
    seed,
    signal,
    limit,
    profile,
    only,
    databaseUrl,
    sandbox,
    onPreparing: () => onCheck?.(PREPARING),
    onProgress,
  })
}

/** Name and version for the report, even if the manifest is not valid. */
function readIdentity(folder: TrainerFolder): { name: string; version: string } | undefined {
  if (folder.manifest.state !== 'read') return undefined
  const raw = folder.manifest.raw as { name?: unknown; version?: unknown } | null
  if (typeof raw?.name !== 'string' || typeof raw.version !== 'string') return undefined
  return { name: raw.name.slice(0, 200), version: raw.version.slice(0, 200) }
}

/** Whether this machine failed, and not the trainer. */
export function isOurFault(error: unknown): boolean {
  return error instanceof SandboxUnavailableError || error instanceof EnvironmentError
}

function explain(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
