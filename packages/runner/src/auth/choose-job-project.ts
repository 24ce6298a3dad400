import type { CreateJobRequest } from '@trainyard/contract'
import { type Caller, findProject } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'
import { parseVersionName } from '../datasets/index.ts'
import { chooseProject } from './choose-project.ts'

/** Chooses the project of a new job: the requested one, else the project of its inputs, else the caller's first project. */
export async function chooseJobProject(
  context: RunnerContext,
  caller: Caller,
  request: CreateJobRequest,
): Promise<string> {
  if (request.project !== undefined) return chooseProject(caller, 'jobs:write', request.project).id
  const inputProject = await projectOfInputs(context, request)
  // Inputs in projects that the caller cannot see are treated as if they did not exist.
  const project = inputProject === undefined ? undefined : findProject(caller, inputProject)
  return chooseProject(caller, 'jobs:write', project?.name).id
}

async function projectOfInputs({ database }: RunnerContext, request: CreateJobRequest): Promise<string | undefined> {
  const { dataset, checkpoint } = request
  if (dataset !== undefined) {
    const row = await database.db
      .selectFrom('datasets')
      .select('project_id')
      .where('id', '=', parseVersionName(dataset)?.id ?? dataset)
      .executeTakeFirst()
    if (row !== undefined) return row.project_id
  }
  if (checkpoint === undefined) return undefined
  const row = await database.db
    .selectFrom('artifacts')
    .innerJoin('jobs', 'jobs.id', 'artifacts.job_id')
    .select('jobs.project_id')
    .where('artifacts.id', '=', checkpoint)
    .executeTakeFirst()
  return row?.project_id
}
