import { parseConfig } from '@trainyard/platform'
import { z } from 'zod'
import { type ClearmlConfig, readClearmlConfig } from './clearml/config.ts'
import { type DatabaseConfig, readDatabaseConfig } from './database/config.ts'
import type { FeedLimits } from './feed/feed.ts'
import { type LokiConfig, readLokiConfig } from './loki/config.ts'
import { type MlflowConfig, readMlflowConfig } from './mlflow/config.ts'
import { type OtlpConfig, readOtlpConfig } from './otlp/config.ts'
import { readTensorboardConfig, type TensorboardConfig } from './tensorboard/config.ts'

/** A backend is enabled if its part is defined. */
export interface ObservabilityConfig {
  database?: DatabaseConfig | undefined
  mlflow?: MlflowConfig | undefined
  clearml?: ClearmlConfig | undefined
  tensorboard?: TensorboardConfig | undefined
  loki?: LokiConfig | undefined
  otlp?: OtlpConfig | undefined
  /** Origin of the pages that show jobs. Default: the runner's own. */
  pagesUrl?: string | undefined
  limits?: Partial<FeedLimits> | undefined
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
    .pipe(z.array(z.enum(NAMED, `must be a list of ${NAMED.join(', ')}, separated by commas`))),
  PAGES_URL: z.url({ protocol: /^https?$/ }).optional(),
})

/** Reads which backends are enabled and how to reach them. Throws a ConfigError that names each wrong variable. */
export function readObservabilityConfig(env: Record<string, string | undefined>): ObservabilityConfig {
  const values = parseConfig(Environment, env, 'observability')
  const has = (name: Named) => values.OBSERVABILITY_BACKENDS.includes(name)
  return {
    database: has('database') ? readDatabaseConfig() : undefined,
    mlflow: has('mlflow') ? readMlflowConfig(env) : undefined,
    clearml: has('clearml') ? readClearmlConfig(env) : undefined,
    tensorboard: has('tensorboard') ? readTensorboardConfig(env) : undefined,
    loki: readLokiConfig(env),
    otlp: readOtlpConfig(env),
    pagesUrl: values.PAGES_URL,
  }
}
