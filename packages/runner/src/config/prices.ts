import { QueueName } from '@trainyard/contract'
import { z } from 'zod'

const Price = z.number().nonnegative()
const Rates = {
  gpuHour: Price.optional(),
  cpuHour: Price.optional(),
}

const Prices = z.strictObject({
  /** Shown with every cost, for example EUR. */
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be three capital letters, for example EUR'),
  ...Rates,
  /** 1 GB (10⁹ bytes) for 730 hours. */
  storageGbMonth: Price.optional(),
  uploadGb: Price.optional(),
  downloadGb: Price.optional(),
  /** Other prices of single queues, for example for other GPUs. */
  queues: z.record(QueueName, z.strictObject(Rates)).default({}),
})

/** What is used costs this. What has no price costs nothing. */
export type Prices = z.infer<typeof Prices>

/** Parses `{"currency": "EUR", "gpuHour": 2.5, "queues": {"a100": {"gpuHour": 4}}}`. */
export function parsePrices(text: string): Prices {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Error('must be JSON such as {"currency": "EUR", "gpuHour": 2.5, "cpuHour": 0.04}', { cause })
  }
  const parsed = Prices.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Error(`must be prices and their currency: ${issue?.path.join('.') || 'the top level'}: ${issue?.message}`)
}
