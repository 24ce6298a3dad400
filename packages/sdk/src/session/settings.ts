import type { ExportFormat, Operation, TaskType, TrainerManifest } from '@trainyard/contract'
import type { ResolvedConfig } from '../job-config.ts'

/** What is known about a job before it starts: from the environment, or from the arguments of a local run. */
export interface JobSettings {
  id: number
  attempt: number
  operation: Operation
  taskType: TaskType
  framework: string
  model: string
  traceId: string
  config: ResolvedConfig
  workDir: string
  manifest: TrainerManifest | undefined
  exportFormat: ExportFormat | undefined
}
