import type { TimelineEntry, ValidationReport } from '@trainyard/contract'
import { endCheck } from './end-check.ts'
import { type LoadedImage, runInEngine } from './run-image.ts'
import { TimeLimit } from './time-limit.ts'
import { describeRun, type ValidateOptions } from './validate-trainer.ts'
import { CHECK_NAMES, judge } from './verdict.ts'

export interface ValidateLoadedImageOptions
  extends Pick<
    ValidateOptions,
    'profile' | 'only' | 'seed' | 'databaseUrl' | 'timeoutMs' | 'signal' | 'onCheck' | 'onProgress'
  > {
  /** What `loadImageToRun` returned, in this process or another one of this machine. */
  image: LoadedImage
  /** The `DOCKER_…` variables, and the mark, with which it was loaded. */
  env: Readonly<Record<string, string | undefined>>
  instanceId: string
}

/** The compliance run alone, for an image that is in the container engine. Everything of its mark is removed at the end. */
export async function validateLoadedImage(options: ValidateLoadedImageOptions): Promise<ValidationReport> {
  const { image, env, instanceId, profile = 'author', only = [], timeoutMs = 180_000, databaseUrl } = options
  const { onCheck, onProgress } = options
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31)
  const startedAt = performance.now()
  using limit = new TimeLimit(timeoutMs)
  const timeout = limit.signal
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout
  const name = CHECK_NAMES.compliance
  let timeline: readonly TimelineEntry[] = []
  const run = async () => {
    const known = { image, env, instanceId, profile, only, seed, signal, limit, databaseUrl, onProgress }
    const outcome = await runInEngine(known)
    timeline = outcome.timeline ?? timeline
    return outcome
  }
  onCheck?.({ name, status: 'running', findings: [] })
  const ended = await endCheck(run, { name, profile, only, signal: options.signal, timeout, timeoutMs })
  const durationMs = Math.round(performance.now() - startedAt)
  const checks = [{ ...ended, durationMs }]
  onCheck?.(checks[0] ?? ended)
  return {
    verdict: judge(checks, profile, new Set(['compliance'])),
    trainer: { name: image.manifest.name, version: image.manifest.version },
    profile,
    seed,
    durationMs,
    checks,
    timeline: [...timeline],
    run: describeRun({ phases: ['compliance'] }, timeoutMs),
  }
}
