/** How trainers run as processes of this machine. */
export interface SubprocessConfig {
  /** Holds one folder an attempt. Whoever uses the same folder sees the same processes. */
  attemptsDir: string
  datasetCacheDir: string
  datasetCacheMaxGb: number
  /** Programs that every trainer finds first in its PATH. */
  toolsDir?: string
}
