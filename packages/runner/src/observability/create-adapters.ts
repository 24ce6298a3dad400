import type { ObservabilityAdapter } from './adapter.ts'
import { createClearmlAdapter } from './clearml/index.ts'
import type { ObservabilityConfig } from './config.ts'
import { createDatabaseAdapter } from './database/index.ts'
import { createLokiAdapter } from './loki/index.ts'
import { createMlflowAdapter } from './mlflow/index.ts'
import { createTensorboardAdapter } from './tensorboard/index.ts'

/** An adapter for each backend that is configured. */
export async function createAdapters(config: ObservabilityConfig): Promise<ObservabilityAdapter[]> {
  return [
    ...(config.database === undefined ? [] : [createDatabaseAdapter()]),
    ...(config.mlflow === undefined ? [] : [createMlflowAdapter(config.mlflow)]),
    ...(config.clearml === undefined ? [] : [createClearmlAdapter(config.clearml)]),
    ...(config.tensorboard === undefined ? [] : [createTensorboardAdapter(config.tensorboard)]),
    ...(config.loki === undefined ? [] : [createLokiAdapter(config.loki)]),
    // OpenTelemetry is large; who does not use it does not wait for it.
    ...(config.otlp === undefined ? [] : [(await import('./otlp/index.ts')).createOtlpAdapter(config.otlp)]),
  ]
}
