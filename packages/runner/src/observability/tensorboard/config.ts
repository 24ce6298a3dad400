import { resolve } from 'node:path'
import { parseConfig } from '@trainyard/platform'
import { z } from 'zod'
import { defined } from '../optional.ts'

export interface TensorboardConfig {
  /** Event files are written to `{dir}/{job}/{attempt}`. */
  dir: string
  /** Where a TensorBoard of that folder can be looked at. */
  url?: string
}

const Environment = z.object({
  TENSORBOARD_DIR: z.string({ error: 'must be the folder that TensorBoard reads (--logdir)' }).min(1),
  TENSORBOARD_URL: z.url({ protocol: /^https?$/ }).optional(),
})

export function readTensorboardConfig(env: Record<string, string | undefined>): TensorboardConfig {
  const values = parseConfig(Environment, env, 'TensorBoard')
  return { dir: resolve(values.TENSORBOARD_DIR), ...defined({ url: values.TENSORBOARD_URL }) }
}
