import { parseConfig } from '@trainyard/platform'
import { z } from 'zod'

export interface ClearmlConfig {
  apiHost: string
  /** Origin of ClearML's pages. Undefined: no links. */
  webHost?: string | undefined
  accessKey: string
  secretKey: string
  project: string
}

const CREDENTIALS = 'must be set; create credentials in ClearML under Settings › Workspace'

const Environment = z.object({
  CLEARML_API_HOST: z.url({
    protocol: /^https?$/,
    error: 'must be the http(s) address of a ClearML API server, usually with port 8008',
  }),
  CLEARML_WEB_HOST: z.url({ protocol: /^https?$/ }).optional(),
  CLEARML_API_ACCESS_KEY: z.string({ error: CREDENTIALS }).min(1),
  CLEARML_API_SECRET_KEY: z.string({ error: CREDENTIALS }).min(1),
  CLEARML_PROJECT: z.string().min(3).default('Trainyard'),
})

/** Reads the variables that ClearML's own SDK uses. */
export function readClearmlConfig(env: Record<string, string | undefined>): ClearmlConfig {
  const values = parseConfig(Environment, env, 'ClearML')
  return {
    apiHost: values.CLEARML_API_HOST,
    webHost: values.CLEARML_WEB_HOST,
    accessKey: values.CLEARML_API_ACCESS_KEY,
    secretKey: values.CLEARML_API_SECRET_KEY,
    project: values.CLEARML_PROJECT,
  }
}
