import { QueueName } from '@trainyard/contract'
import { z } from 'zod'

export const QueueSettings = z.strictObject({
  /** Running jobs of this queue over all runners of the database. Default: no limit but the one of each runner. */
  maxConcurrent: z.number().int().nonnegative().optional(),
})
export type QueueSettings = z.infer<typeof QueueSettings>

/** Queues by name. */
export type Queues = Readonly<Record<string, QueueSettings>>

export const DEFAULT_QUEUES: Queues = { default: {} }

/** `QUEUES`: `{"default":{"maxConcurrent":2},"gpu":{}}` */
export const QueuesVariable = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text)
    } catch {
      context.addIssue({
        code: 'custom',
        message: 'must be JSON, for example {"default":{"maxConcurrent":2},"gpu":{}}',
      })
      return z.NEVER
    }
  })
  .pipe(
    z
      .record(QueueName, QueueSettings)
      .refine((queues) => Object.keys(queues).length > 0, 'must name at least one queue'),
  )

/** The queues that this runner takes jobs from. */
export function servedQueues(config: {
  queues?: Queues | undefined
  servedQueues?: readonly string[] | undefined
}): [name: string, settings: QueueSettings][] {
  const all = Object.entries(config.queues ?? DEFAULT_QUEUES)
  return config.servedQueues === undefined ? all : all.filter(([name]) => config.servedQueues?.includes(name))
}
