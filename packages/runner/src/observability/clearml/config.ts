import { parseConfig } from '@trainyard/platform'
import { z } from 'zod'
import { defined } from '../optional.ts'

export interface ClearmlConfig {
  apiHost: string
  /** Where people look; without it there are no links. */
  webHost?: string
  accessKey: string
  secretKey: string
  project: string
}

const Environment = z.object({
  CLEARML_API_HOST: z.url({ protocol: /^https?$/, error: 'must be the address of the API server, often port 8008' }),
  CLEARML_WEB_HOST: z.url({ protocol: /^https?$/ }).optional(),
  CLEARML_API_ACCESS_KEY: z.string({ error: 'is required: make credentials in the settings of ClearML' }).min(1),
  CLEARML_API_SECRET_KEY: z.string({ error: 'is required: make credentials in the settings of ClearML' }).min(1),
  CLEARML_PROJECT: z.string().min(3).default('Trainyard'),
})

/** The names are those that ClearML's own SDK reads. */
export function readClearmlConfig(env: Record<string, string | undefined>): ClearmlConfig {
  const values = parseConfig(Environment, env, 'ClearML')
  return {
    apiHost: values.CLEARML_API_HOST,
    accessKey: values.CLEARML_API_ACCESS_KEY,
    secretKey: values.CLEARML_API_SECRET_KEY,
    project: values.CLEARML_PROJECT,
    ...defined({ webHost: values.CLEARML_WEB_HOST }),
  }
}
