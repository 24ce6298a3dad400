import { endsWithin } from '@trainyard/platform'
import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { AttemptRow } from '../db/schema/attempts.ts'
import { keyOf } from '../jobs/read-attempts.ts'
import type { AttemptRef, ResourceUse } from '../launchers/launcher.ts'

/** An attempt of 40 minutes has as many samples; each further doubling of its age adds 350. */
const SAMPLES_AT_FIRST = 500
/** The end of an attempt does not wait longer for its last measurement. */
const END_MS = 2000
/** Attempts that are measured at once. Others wait for the next pass. */
const MAX_AT_ONCE = 32

interface Known {
  nextAt: number
  /** The last measurement of the CPU time. */
  at?: number | undefined
  cpuSeconds?: number | undefined
  isBusy: boolean
}

/**
 * Measures what running attempts use, in the background: no launcher that answers slowly delays an attempt. What is lost when the
 * runner ends is the use since the last sample.
 */
export class ResourceSampler {
  readonly #context: RunnerContext
  readonly #known = new Map<string, Known>()
  #busy = 0

  constructor(context: RunnerContext) {
    this.#context = context
  }

  /** Measures a running attempt if it is due. */
  sample(attempt: Pick<AttemptRow, 'job_id' | 'attempt' | 'running_since'>): void {
    const { launcher, clock, limits, logger } = this.#context
    if (launcher.measure === undefined || this.#busy >= MAX_AT_ONCE) return
    const ref = { jobId: attempt.job_id, attempt: attempt.attempt }
    const now = clock.now().getTime()
    const known: Known = this.#known.get(keyOf(ref)) ?? { nextAt: now, isBusy: false }
    this.#known.set(keyOf(ref), known)
    if (known.isBusy || now < known.nextAt) return
    const age = now - (attempt.running_since?.getTime() ?? now)
    known.nextAt = now + Math.max(limits.sampleSeconds * 1000, age / SAMPLES_AT_FIRST)
    known.isBusy = true
    this.#busy++
    this.#measure(ref, known)
      .catch((error: unknown) => logger.debug({ err: error, ...ref }, 'the use of an attempt could not be measured'))
      .finally(() => {
        known.isBusy = false
        this.#busy--
      })
  }

  /** Measures the CPU time of an attempt whose process has ended, where its launcher still knows it. */
  async measureEnd(ref: AttemptRef): Promise<void> {
    this.#known.delete(keyOf(ref))
    const { launcher, logger } = this.#context
    try {
      const measured = launcher.measure?.(ref).then(async (use) => {
        if (use?.cpuSeconds !== undefined) await this.#store(ref, { cpuSeconds: use.cpuSeconds }, undefined)
      })
      if (measured !== undefined && !(await endsWithin(END_MS, measured))) throw new Error('it takes too long')
    } catch (error) {
      logger.debug({ err: error, ...ref }, 'the use of an ended attempt could not be measured')
    }
  }

  async #measure(ref: AttemptRef, known: Known): Promise<void> {
    const use = await this.#context.launcher.measure?.(ref)
    if (use === undefined) return
    const now = this.#context.clock.now()
    await this.#store(ref, { ...use, cpuCores: use.cpuCores ?? coresSince(known, use, now) }, now)
    known.at = now.getTime()
    known.cpuSeconds = use.cpuSeconds
  }

  /** In one statement, which does nothing once the attempt was deleted. Without a time, only the CPU time is stored. */
  async #store({ jobId, attempt }: AttemptRef, use: ResourceUse, at: Date | undefined): Promise<void> {
    const { cpuSeconds = null, cpuCores = null, memoryBytes = null, gpuPercent = null, gpuMemoryBytes = null } = use
    await sql`
      with measured as (
        update attempts set cpu_seconds = greatest(cpu_seconds, ${cpuSeconds}::float8)
        where job_id = ${jobId} and attempt = ${attempt} returning job_id, attempt
      )
      insert into resource_samples (job_id, attempt, at, cpu_cores, memory_bytes, gpu_percent, gpu_memory_bytes)
      select job_id, attempt, ${at ?? null}::timestamptz, ${cpuCores}, ${memoryBytes}, ${gpuPercent}, ${gpuMemoryBytes}
      from measured where ${at !== undefined}
      on conflict do nothing`.execute(this.#context.database.db)
  }
}

function coresSince(known: Known, { cpuSeconds }: ResourceUse, now: Date): number | undefined {
  if (cpuSeconds === undefined || known.cpuSeconds === undefined || known.at === undefined) return undefined
  const seconds = (now.getTime() - known.at) / 1000
  return seconds > 0 ? Math.max(0, cpuSeconds - known.cpuSeconds) / seconds : undefined
}
