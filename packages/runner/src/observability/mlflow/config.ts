import { parseConfig } from '@trainyard/platform'
import { z } from 'zod'

export interface MlflowConfig {
  trackingUri: string
  /** Origin of MLflow's pages. Default: `trackingUri`. */
  uiUrl?: string | undefined
  /** Name of the experiment that contains the runs. */
  experiment: string
  token?: string | undefined
  username?: string | undefined
  password?: string | undefined
  /** Larger artifacts are linked instead of uploaded. 0: all are linked. */
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

/** Reads the variables that MLflow's own clients use. */
export function readMlflowConfig(env: Record<string, string | undefined>): MlflowConfig {
  const values = parseConfig(Environment, env, 'MLflow')
  return {
    trackingUri: values.MLFLOW_TRACKING_URI,
    uiUrl: values.MLFLOW_UI_URL,
    experiment: values.MLFLOW_EXPERIMENT_NAME,
    token: values.MLFLOW_TRACKING_TOKEN,
    username: values.MLFLOW_TRACKING_USERNAME,
    password: values.MLFLOW_TRACKING_PASSWORD,
    maxUploadBytes: values.MLFLOW_MAX_ARTIFACT_MB * 1024 ** 2,
  }
}
