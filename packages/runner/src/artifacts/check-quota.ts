import { formatBytes } from '@trainyard/contract/format'
import { lockUntilEnd, TrainyardError } from '@trainyard/platform'
import { type Kysely, sql, type Transaction } from 'kysely'
import type { RunnerLimits } from '../config.ts'
import type { RunnerDatabase } from '../db/schema/index.ts'
import type { JobRow } from '../db/schema/jobs.ts'

type Quota = Extract<keyof RunnerLimits, `max${'Job' | 'Project'}${'ArtifactBytes' | 'Artifacts'}`>

/** Settings of the quotas, for the operator who reads the error. */
const VARIABLES: Readonly<Record<Quota, string>> = {
  maxJobArtifactBytes: 'ARTIFACT_MAX_GB_PER_JOB',
  maxJobArtifacts: 'ARTIFACT_MAX_FILES_PER_JOB',
  maxProjectArtifactBytes: 'ARTIFACT_MAX_GB_PER_PROJECT',
  maxProjectArtifacts: 'ARTIFACT_MAX_FILES_PER_PROJECT',
}

interface Usage {
  job_files: string
  job_bytes: string
  files: string
  bytes: string
}

/** Makes the announcements of a project's jobs wait for each other until the transaction ends. */
export async function lockQuota(trx: Transaction<RunnerDatabase>, { project_id: projectId }: JobRow): Promise<void> {
  await lockUntilEnd(trx, `artifact quota ${projectId}`)
}

/**
 * Checks that an artifact fits into the quotas of its job and its project. What was announced counts in full until it is
 * complete or its upload was abandoned, so that announcements cannot promise more than there is.
 *
 * @throws TrainyardError `payload_too_large` which names the quota, what is used and the limit
 */
export async function checkQuota(
  db: Kysely<RunnerDatabase>,
  limits: RunnerLimits,
  { job, sizeBytes }: { job: JobRow; sizeBytes: number },
): Promise<void> {
  const { rows } = await sql<Usage>`
    select count(*) filter (where a.job_id = ${job.id}) as job_files,
           coalesce(sum(a.size_bytes) filter (where a.job_id = ${job.id}), 0) as job_bytes,
           count(*) as files, coalesce(sum(a.size_bytes), 0) as bytes
    from artifacts a join jobs j on j.id = a.job_id where j.project_id = ${job.project_id}`.execute(db)
  const [usage] = rows
  if (usage === undefined) return
  const used: Record<Quota, number> = {
    maxJobArtifactBytes: Number(usage.job_bytes),
    maxJobArtifacts: Number(usage.job_files),
    maxProjectArtifactBytes: Number(usage.bytes),
    maxProjectArtifacts: Number(usage.files),
  }
  for (const quota of Object.keys(VARIABLES) as Quota[]) {
    const isBytes = quota.endsWith('Bytes')
    if (used[quota] + (isBytes ? sizeBytes : 1) <= limits[quota]) continue
    throw exceeded({ quota, used: used[quota], limit: limits[quota], sizeBytes, jobId: job.id })
  }
}

interface Excess {
  quota: Quota
  used: number
  limit: number
  sizeBytes: number
  jobId: number
}

function exceeded({ quota, used, limit, sizeBytes, jobId }: Excess): TrainyardError {
  const isBytes = quota.endsWith('Bytes')
  const show = (value: number) => (isBytes ? formatBytes(value) : `${value} artifacts`)
  const owner = quota.startsWith('maxJob') ? `job ${jobId}` : `the project of job ${jobId}`
  return new TrainyardError(
    'payload_too_large',
    `The quota of ${owner} is ${show(limit)}: it has ${show(used)}, complete or announced, and this artifact has ${formatBytes(sizeBytes)}. ` +
      `Delete artifacts, or ask the operator to raise ${VARIABLES[quota]}`,
    { extra: { quota, used, limit, limits: { [quota]: limit } } },
  )
}
