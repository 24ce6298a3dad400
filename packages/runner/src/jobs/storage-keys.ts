import { isSafeRelativePath } from '@trainyard/contract'

/** Prefix of all objects of a job. */
export function jobPrefix(jobId: number): string {
  return `jobs/${jobId}/`
}

/** Prefix of all objects of an artifact. */
export function artifactPrefix(jobId: number, artifactId: string): string {
  return `${jobPrefix(jobId)}artifacts/${artifactId}/`
}

/** Key of an artifact's bytes. The id distinguishes versions with the same name. */
export function artifactKey(jobId: number, artifactId: string, name: string): string {
  if (!isSafeRelativePath(name)) throw new Error(`expected a relative path, got ${JSON.stringify(name)}`)
  return `${artifactPrefix(jobId, artifactId)}${name}`
}
