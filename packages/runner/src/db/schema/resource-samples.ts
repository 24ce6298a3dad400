/** What the processes of an attempt used. The pause between rows grows with the age of the attempt. */
export interface ResourceSamplesTable {
  job_id: number
  attempt: number
  at: Date
  cpu_cores: number | null
  memory_bytes: number | null
  gpu_percent: number | null
  gpu_memory_bytes: number | null
}
