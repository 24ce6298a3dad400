import type { ObservabilityAdapter } from './adapter.ts'
import { createClearmlAdapter } from './clearml/index.ts'
import type { ObservabilityConfig } from './config.ts'
import { createDatabaseAdapter } from './database/index.ts'
import { createLokiAdapter } from './loki/index.ts'
import { createMlflowAdapter } from './mlflow/index.ts'
import { createOtlpAdapter } from './otlp/index.ts'
import { createTensorboardAdapter } from './tensorboard/index.ts'

/** An adapter for each backend that is configured. */
export function createAdapters(config: ObservabilityConfig): ObservabilityAdapter[] {
  return [
    ...(config.database ? [createDatabaseAdapter()] : []),
    ...(config.mlflow === undefined ? [] : [createMlflowAdapter(config.mlflow)]),
    ...(config.clearml === undefined ? [] : [createClearmlAdapter(config.clearml)]),
    ...(config.tensorboard === undefined ? [] : [createTensorboardAdapter(config.tensorboard)]),
    ...(config.loki === undefined ? [] : [createLokiAdapter(config.loki)]),
    ...(config.otlp === undefined ? [] : [createOtlpAdapter(config.otlp)]),
  ]
}
