import type { ArtifactList } from '@trainyard/contract'
import type { WebContext } from '../context.ts'

/** An artifact of a job with an address that was signed now. Undefined: the job has no artifact with this id. */
export async function findArtifact(
  context: WebContext,
  jobId: number,
  artifactId: string,
): Promise<ArtifactList['artifacts'][number] | undefined> {
  const { artifacts } = await context.client.jobs.artifacts(jobId, { limit: 5000 })
  return artifacts.find(({ id }) => id === artifactId)
}
