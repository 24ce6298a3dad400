import { actorOf, type Caller, type Identity } from '@trainyard/platform'
import type { JobRow } from '../db/schema/jobs.ts'

export interface JobAuditEntry {
  action: string
  job: Pick<JobRow, 'id' | 'project_id' | 'name'>
  data?: Record<string, unknown> | undefined
}

/** Writes an action on a job to the audit log, in the transaction of that action. */
export async function auditJob(
  identity: Identity,
  trx: Parameters<Identity['audit']>[0],
  caller: Caller,
  { action, job, data }: JobAuditEntry,
): Promise<void> {
  await identity.audit(trx, {
    ...actorOf(caller),
    action,
    subject: `job:${job.id}`,
    subjectName: job.name ?? undefined,
    projectId: job.project_id,
    organisationId: organisationOf(caller, job.project_id),
    data,
  })
}

/** The id of the organisation that owns a project of the caller. */
export function organisationOf(caller: Caller, projectId: string): string | undefined {
  return caller.projects.find(({ id }) => id === projectId)?.organisationId
}
