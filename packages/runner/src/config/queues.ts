import { QueueName } from '@trainyard/contract'
import { z } from 'zod'

/** One named queue. */
export const QueueSettings = z.strictObject({
  /** Jobs of this queue that run at a time, over all runners of the database; as many as there are places when absent. */
  maxConcurrent: z.number().int().nonnegative().optional(),
})
export type QueueSettings = z.infer<typeof QueueSettings>

/** The queues of a platform, by name. */
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

/** The queues that a runner takes jobs from, with their limits. */
export function servedQueues(config: {
  queues?: Queues | undefined
  servedQueues?: readonly string[] | undefined
}): [name: string, settings: QueueSettings][] {
  const all = Object.entries(config.queues ?? DEFAULT_QUEUES)
  return config.servedQueues === undefined ? all : all.filter(([name]) => config.servedQueues?.includes(name))
}
