import type { Finding, TimelineEntry, TrainerManifest } from '@trainyard/contract'
import type { TrainerToRun } from './compliance/run-place.ts'
import type { SandboxOptions } from './compliance/sandbox-choice.ts'
import { runRule } from './rule.ts'
import { COMPLIANCE_RULES, isSelected } from './rules/index.ts'
import type { TimeLimit } from './time-limit.ts'
import type { Profile } from './verdict.ts'

/** How a phase ended. */
export interface PhaseOutcome {
  findings: Finding[]
  /** Set if the phase could not run. */
  skipped?: string | undefined
  /** Set if only a part of the phase could run. */
  unfinished?: string | undefined
  timeline?: readonly TimelineEntry[] | undefined
  notes?: readonly string[] | undefined
}

export interface ComplianceOptions {
  trainer: TrainerToRun
  manifest: TrainerManifest
  seed: number
  signal: AbortSignal
  limit: TimeLimit
  profile: Profile | undefined
  only: readonly string[]
  databaseUrl: string | undefined
  sandbox?: Partial<SandboxOptions> | undefined
  onPreparing?: (() => void) | undefined
  onProgress?: ((text: string) => void) | undefined
}

const NO_RUNTIME =
  'the exported ONNX model was not run, because the package onnxruntime-web is missing: install the validator with its optional dependencies'

/** Runs a trainer, and checks the record of the run with every selected rule. */
export async function runCompliance(options: ComplianceOptions): Promise<PhaseOutcome> {
  const { limit, profile, only, ...run } = options
  // The runner is imported here to keep the static phases fast.
  const { runTrainer } = await import('./compliance/run-trainer.ts')
  const outcome = await runTrainer({
    ...run,
    deadline: limit.endsAt,
    onPrepared: (preparedMs) => limit.extend(preparedMs),
  })
  if (outcome.state === 'skipped') return { findings: [], skipped: outcome.reason }
  const findings: Finding[] = []
  for (const rule of COMPLIANCE_RULES) {
    if (isSelected(rule.code, only)) findings.push(...(await runRule(rule, outcome.record, profile)))
  }
  const { timeline, unfinished, sandboxNote, exported } = outcome.record
  const notes = [
    sandboxNote,
    ...(exported?.state === 'not_run' ? [`the exported model was not run: ${exported.reason}`] : []),
  ]
  const skipped = exported?.state === 'no_runtime' ? NO_RUNTIME : undefined
  return { findings, timeline, notes, skipped, unfinished }
}
