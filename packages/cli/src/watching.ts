import type { Job } from '@trainyard/contract'
import type { CliIo } from './command.ts'

/** What a shell reports for a program that Ctrl-C ended. */
export const INTERRUPTED = 130

/** After Ctrl-C: the job goes on, and this is how to find it again. */
export function sayItGoesOn(job: Job, io: CliIo): void {
  io.stderr.write(
    `Job ${job.id} goes on without you. Watch it again: trainyard jobs watch ${job.id}. Stop it: trainyard jobs cancel ${job.id}\n`,
  )
}
