import type { Identity } from '@trainyard/platform'
import { sql } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { JobRow } from '../db/schema/jobs.ts'

export interface Transfer {
  at: Date
  projectId: string
  /** Subject of the person. Default: none. */
  person?: string | null | undefined
  /** Default: none. */
  trainer?: string | undefined
  queue?: string | undefined
  uploadedBytes?: number | undefined
  downloadedBytes?: number | undefined
}

/** A transfer of a job's file. */
export function transferOf(
  { clock }: Pick<RunnerContext, 'clock'>,
  job: Pick<JobRow, 'project_id' | 'created_by' | 'trainer_name' | 'queue'>,
  bytes: Pick<Transfer, 'uploadedBytes' | 'downloadedBytes'>,
): Transfer {
  const { project_id: projectId, created_by: person, trainer_name: trainer, queue } = job
  return { at: clock.now(), projectId, person, trainer, queue, ...bytes }
}

/** Records bytes that were stored or sent. The next round of counting adds them to their day. */
export async function recordTransfer(executor: Parameters<Identity['audit']>[0], transfer: Transfer): Promise<void> {
  const { at, projectId, person, trainer = '', queue = '', uploadedBytes = 0, downloadedBytes = 0 } = transfer
  await sql`
    insert into usage_transfers (at, project_id, person, trainer, queue, uploaded_bytes, downloaded_bytes)
    values (${at}, ${projectId}, ${person ?? ''}, ${trainer}, ${queue}, ${uploadedBytes}, ${downloadedBytes})
  `.execute(executor)
}
