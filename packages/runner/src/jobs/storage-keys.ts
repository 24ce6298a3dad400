import { isSafeRelativePath } from '@trainyard/contract'

/** Everything that a job leaves lies under this. */
export function jobPrefix(jobId: number): string {
  return `jobs/${jobId}/`
}

/** Everything of one artifact lies under this. */
export function artifactPrefix(jobId: number, artifactId: string): string {
  return `${jobPrefix(jobId)}artifacts/${artifactId}/`
}

/** Where an artifact's bytes are. The id keeps two versions of one name apart. */
export function artifactKey(jobId: number, artifactId: string, name: string): string {
  if (!isSafeRelativePath(name)) throw new Error(`not a relative path: ${JSON.stringify(name)}`)
  return `${artifactPrefix(jobId, artifactId)}${name}`
}
