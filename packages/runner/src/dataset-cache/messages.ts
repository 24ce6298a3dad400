import { ErrorType, TargetFormat, TaskType } from '@trainyard/contract'
import { z } from 'zod'

/** What a process fills. */
export const FillOrder = z.object({
  type: z.literal('fill'),
  cacheDir: z.string(),
  key: z.string(),
  isWhole: z.boolean(),
  /** The splits of the job override those of the dataset in a conversion. */
  hasOwnSplits: z.boolean(),
  as: z.object({ format: TargetFormat, taskType: TaskType }).optional(),
  maxBytes: z.number(),
  /** Keys of entries that must not be removed, even above the limit. */
  keep: z.array(z.string()),
})
export type FillOrder = z.infer<typeof FillOrder>

export const ToFiller = z.discriminatedUnion('type', [
  FillOrder,
  z.object({ type: z.literal('answer'), id: z.number(), json: z.unknown() }),
])
export type ToFiller = z.infer<typeof ToFiller>

/** The process has no token and no address of the platform: it requests pages of the dataset from its parent. */
export const FromFiller = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ask'), id: z.number(), path: z.string() }),
  z.object({ type: z.literal('progress'), files: z.number(), totalFiles: z.number() }),
  z.object({ type: z.literal('warning'), message: z.string() }),
  z.object({ type: z.literal('done'), key: z.string().regex(/^[0-9a-f]{64}$/) }),
  z.object({ type: z.literal('failed'), errorType: ErrorType, message: z.string(), retryable: z.boolean() }),
])
export type FromFiller = z.infer<typeof FromFiller>
