import { type Action, type Caller, findProject, notFound, requireCan, requireScope } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'
import { parseVersionName } from '../datasets/index.ts'
import type { JobRow } from '../db/schema/jobs.ts'

export type JobAction = Extract<Action, `jobs:${string}`>
export type DatasetAction = Extract<Action, `datasets:${string}`>

/**
 * The row of a job on which the caller is allowed to perform an action.
 *
 * @throws TrainyardError `not_found` when the job does not exist or the caller cannot see it, `forbidden` when the caller can
 * see it but is not allowed to perform the action
 */
export async function requireJob(
  context: RunnerContext,
  caller: Caller,
  id: number,
  action: JobAction,
): Promise<JobRow> {
  requireScope(caller, action)
  const row = await context.database.db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst()
  const project = row && findProject(caller, row.project_id)
  if (row === undefined || project === undefined) throw notFound('job', id)
  requireCan(caller, action, { organisationId: project.organisationId, projectId: project.id })
  return row
}

/** The same for a dataset. Returns the id of its project. */
export async function requireDataset(
  context: RunnerContext,
  caller: Caller,
  id: string,
  action: DatasetAction,
): Promise<{ projectId: string }> {
  requireScope(caller, action)
  const row = await context.database.db
    .selectFrom('datasets')
    .select('project_id')
    // Every version is in the project of the first one.
    .where('id', '=', parseVersionName(id)?.id ?? id)
    .executeTakeFirst()
  const project = row && findProject(caller, row.project_id)
  if (project === undefined) throw notFound('dataset', id)
  requireCan(caller, action, { organisationId: project.organisationId, projectId: project.id })
  return { projectId: project.id }
}
