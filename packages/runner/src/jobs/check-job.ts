import type { CreateJobRequest, JobCheck } from '@trainyard/contract'
import type { Caller } from '@trainyard/platform'
import { chooseJobProject } from '../auth/choose-job-project.ts'
import type { RunnerContext } from '../context.ts'
import { examineRequest } from './examine-request.ts'

/** Checks a request as `createJob` does, and creates nothing. The caller needs the right to create the job. */
export async function checkJob(context: RunnerContext, caller: Caller, request: CreateJobRequest): Promise<JobCheck> {
  const projectId = await chooseJobProject(context, caller, request)
  const { trainer, issues } = await examineRequest(context, projectId, request)
  const { name, version, digest, manifest, deprecation } = trainer
  return { trainer: { name, version, digest, manifest, deprecation }, issues }
}
