import type { Caller, Identity } from '@trainyard/platform'
import type { JobRow } from '../db/schema/jobs.ts'

/** Writes what somebody did to a job, in the transaction that does it. */
export async function auditJob(
  identity: Identity,
  trx: Parameters<Identity['audit']>[0],
  caller: Caller,
  deed: { action: string; job: Pick<JobRow, 'id' | 'project_id'>; data?: Record<string, unknown> },
): Promise<void> {
  const { action, job, data } = deed
  await identity.audit(trx, {
    ...{ actor: caller.subject, action, subject: `job:${job.id}`, projectId: job.project_id },
    ...organisationOf(caller, job.project_id),
    ...(data === undefined ? {} : { data }),
  })
}

export function organisationOf(caller: Caller, projectId: string): { organisationId?: string } {
  const project = caller.projects.find(({ id }) => id === projectId)
  return project === undefined ? {} : { organisationId: project.organisationId }
}
