import { parseConfig } from '@trainyard/platform'
import { z } from 'zod'
import { type ClearmlConfig, readClearmlConfig } from './clearml/config.ts'
import { type DatabaseConfig, readDatabaseConfig } from './database/config.ts'
import type { FeedLimits } from './feed/feeder.ts'
import { type LokiConfig, readLokiConfig } from './loki/config.ts'
import { type MlflowConfig, readMlflowConfig } from './mlflow/config.ts'
import { type OtlpConfig, readOtlpConfig } from './otlp/config.ts'
import { readTensorboardConfig, type TensorboardConfig } from './tensorboard/config.ts'

/** Backends that are there when their part is. */
export interface ObservabilityConfig {
  database?: DatabaseConfig
  mlflow?: MlflowConfig
  clearml?: ClearmlConfig
  tensorboard?: TensorboardConfig
  loki?: LokiConfig
  otlp?: OtlpConfig
  /** Origin of the pages that show jobs; the runner's own when absent. */
  pagesUrl?: string
  limits?: Partial<FeedLimits>
}

const NAMED = ['database', 'mlflow', 'clearml', 'tensorboard'] as const
type Named = (typeof NAMED)[number]

const Environment = z.object({
  OBSERVABILITY_BACKENDS: z
    .string()
    .default('database')
    .transform((text) =>
      text
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    )
    .pipe(z.array(z.enum(NAMED, `must be names among ${NAMED.join(', ')}, separated by commas`))),
  PAGES_URL: z.url({ protocol: /^https?$/ }).optional(),
})

/** Which backends are told of jobs, and how to reach them. */
export function readObservabilityConfig(env: Record<string, string | undefined>): ObservabilityConfig {
  const values = parseConfig(Environment, env, 'observability')
  const has = (name: Named) => values.OBSERVABILITY_BACKENDS.includes(name)
  const loki = readLokiConfig(env)
  const otlp = readOtlpConfig(env)
  return {
    ...(has('database') ? { database: readDatabaseConfig() } : {}),
    ...(has('mlflow') ? { mlflow: readMlflowConfig(env) } : {}),
    ...(has('clearml') ? { clearml: readClearmlConfig(env) } : {}),
    ...(has('tensorboard') ? { tensorboard: readTensorboardConfig(env) } : {}),
    ...(loki === undefined ? {} : { loki }),
    ...(otlp === undefined ? {} : { otlp }),
    ...(values.PAGES_URL === undefined ? {} : { pagesUrl: values.PAGES_URL }),
  }
}
