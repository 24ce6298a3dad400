import { resolve } from 'node:path'
import { parseConfig } from '@trainyard/platform'
import { z } from 'zod'

export interface TensorboardConfig {
  /** Event files are written to `{dir}/{job}/{attempt}`. */
  dir: string
  /** Address of a TensorBoard that shows the folder. Undefined: no links. */
  url?: string | undefined
}

const Environment = z.object({
  TENSORBOARD_DIR: z.string({ error: 'must be set to the folder that TensorBoard reads (--logdir)' }).min(1),
  TENSORBOARD_URL: z.url({ protocol: /^https?$/ }).optional(),
})

export function readTensorboardConfig(env: Record<string, string | undefined>): TensorboardConfig {
  const values = parseConfig(Environment, env, 'TensorBoard')
  return { dir: resolve(values.TENSORBOARD_DIR), url: values.TENSORBOARD_URL }
}
