import { parseConfig } from '@trainyard/platform'
import { z } from 'zod'
import { defined } from '../optional.ts'

export interface MlflowConfig {
  trackingUri: string
  /** Where people look, when that is another address. */
  uiUrl?: string
  /** Name of the experiment that runs are put into. */
  experiment: string
  token?: string
  username?: string
  password?: string
  /** Larger artifacts are linked, not uploaded. 0: all are. */
  maxUploadBytes: number
}

const Environment = z.object({
  MLFLOW_TRACKING_URI: z.url({ protocol: /^https?$/, error: 'must be the http(s) address of an MLflow server' }),
  MLFLOW_UI_URL: z.url({ protocol: /^https?$/ }).optional(),
  MLFLOW_EXPERIMENT_NAME: z.string().min(1).max(500).default('trainyard'),
  MLFLOW_TRACKING_TOKEN: z.string().min(1).optional(),
  MLFLOW_TRACKING_USERNAME: z.string().min(1).optional(),
  MLFLOW_TRACKING_PASSWORD: z.string().min(1).optional(),
  MLFLOW_MAX_ARTIFACT_MB: z.coerce.number().nonnegative().default(100),
})

/** The names are those that MLflow's own clients read. */
export function readMlflowConfig(env: Record<string, string | undefined>): MlflowConfig {
  const values = parseConfig(Environment, env, 'MLflow')
  return {
    trackingUri: values.MLFLOW_TRACKING_URI,
    experiment: values.MLFLOW_EXPERIMENT_NAME,
    maxUploadBytes: values.MLFLOW_MAX_ARTIFACT_MB * 1024 ** 2,
    ...defined({
      uiUrl: values.MLFLOW_UI_URL,
      token: values.MLFLOW_TRACKING_TOKEN,
      username: values.MLFLOW_TRACKING_USERNAME,
      password: values.MLFLOW_TRACKING_PASSWORD,
    }),
  }
}
