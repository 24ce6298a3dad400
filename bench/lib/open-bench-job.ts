import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { openSession } from '../../packages/sdk/src/lifecycle/open-session.ts'
import type { Session } from '../../packages/sdk/src/session/session.ts'

/** A job as a platform starts it, up to `started`. Its `progress` is what `job.progress` calls. */
export async function openBenchJob(callbackUrl: string, workDir: string): Promise<Session> {
  const traceId = randomBytes(16).toString('hex')
  const env = {
    JOB_ID: '1',
    JOB_ATTEMPT: '1',
    OPERATION: 'train',
    CALLBACK_URL: callbackUrl,
    CALLBACK_TOKEN: 'bench',
    TRACE_ID: traceId,
    TRACEPARENT: `00-${traceId}-${randomBytes(8).toString('hex')}-01`,
    TASK_TYPE: 'classification',
    FRAMEWORK: 'tfjs',
    MODEL_NAME: 'mlp',
    WORK_DIR: mkdtempSync(`${workDir}/job-`),
    DATASET_CACHE_DIR: `${workDir}/cache`,
    DATASET_CACHE_MAX_GB: '1',
  }
  const opened = await openSession({}, { env, argv: [], stop: new AbortController() })
  if (opened.type === 'ended') throw new Error(`the job of the bench did not start: exit code ${opened.exitCode}`)
  opened.session.started()
  // A platform that is up has answered by then, and tells the pace.
  await opened.session.backend.flush({ timeoutMs: 500 })
  return opened.session
}

/** Milliseconds of processor time of this process since then, all threads together. */
export function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** Runs with and without a job in turns, so that what comes second is not always the same. */
export async function inTurns(
  rounds: number,
  callbackUrl: string,
  workDir: string,
  run: (job: Session | undefined) => Promise<void>,
): Promise<{ silent: number[]; reporting: number[] }> {
  const silent: number[] = []
  const reporting: number[] = []
  for (let count = 0; count < rounds; count++) {
    for (const isReporting of count % 2 === 0 ? [false, true] : [true, false]) {
      const job = isReporting ? await openBenchJob(callbackUrl, workDir) : undefined
      const before = process.cpuUsage()
      await run(job)
      // Sending is part of the measurement; when no server answers, one second of retries is.
      await job?.backend.flush({ timeoutMs: 1000 })
      ;(isReporting ? reporting : silent).push(cpuMsSince(before))
      await job?.close({ timeoutMs: 1 })
    }
  }
  return { silent, reporting }
}
