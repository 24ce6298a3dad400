import type { ObservabilityAdapter } from './adapter.ts'
import { createClearmlAdapter } from './clearml/index.ts'
import type { ObservabilityConfig } from './config.ts'
import { createDatabaseAdapter } from './database/index.ts'
import { createLokiAdapter } from './loki/index.ts'
import { createMlflowAdapter } from './mlflow/index.ts'
import { createTensorboardAdapter } from './tensorboard/index.ts'

/** Creates an adapter for each enabled backend. */
export async function createAdapters(config: ObservabilityConfig): Promise<ObservabilityAdapter[]> {
  const { database, mlflow, clearml, tensorboard, loki, otlp } = config
  const adapters: ObservabilityAdapter[] = []
  if (database !== undefined) adapters.push(createDatabaseAdapter())
  if (mlflow !== undefined) adapters.push(createMlflowAdapter(mlflow))
  if (clearml !== undefined) adapters.push(createClearmlAdapter(clearml))
  if (tensorboard !== undefined) adapters.push(createTensorboardAdapter(tensorboard))
  if (loki !== undefined) adapters.push(createLokiAdapter(loki))
  if (otlp !== undefined) {
    // Imported only when used: OpenTelemetry is large and takes long to load.
    const { createOtlpAdapter } = await import('./otlp/index.ts')
    adapters.push(createOtlpAdapter(otlp))
  }
  return adapters
}
