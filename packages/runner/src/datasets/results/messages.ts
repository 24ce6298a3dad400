import { DatasetFormat, DatasetLoss, TargetFormat, TaskType } from '@trainyard/contract'
import { z } from 'zod'

/** A version of a dataset in a folder of this machine. */
const Folder = z.object({ dir: z.string(), format: DatasetFormat, taskType: TaskType })

/** What a process makes. It writes to paths that do not exist yet. */
export const Order = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('report'),
    source: Folder,
    losses: z.array(DatasetLoss).describe('What was left out when the version was registered'),
    title: z.string(),
    json: z.string(),
    html: z.string(),
  }),
  z.object({ type: z.literal('diff'), before: Folder, after: Folder, json: z.string() }),
  z.object({ type: z.literal('convert'), source: Folder, to: TargetFormat, target: z.string() }),
])
export type Order = z.infer<typeof Order>

export const Outcome = z.discriminatedUnion('type', [
  z.object({ type: z.literal('done') }),
  z.object({ type: z.literal('failed'), message: z.string(), isDatasetError: z.boolean() }),
])
export type Outcome = z.infer<typeof Outcome>
