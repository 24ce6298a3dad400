import { listen } from '@trainyard/platform'
import { adapterCases } from '../adapter.cases.ts'
import { fakeMlflow } from '../testing/fake-mlflow.ts'
import { mlflowReader } from '../testing/read-mlflow.ts'
import { createMlflowAdapter } from './index.ts'

adapterCases(
  { name: 'mlflow, scripted', idempotent: true, notFinite: true, anyName: false, params: true, ends: true },
  async () => {
    const server = await listen(fakeMlflow(), { port: 0, drainMs: 50 })
    const config = { trackingUri: server.url, experiment: 'tests', maxUploadBytes: 1024 ** 2 }
    return {
      create: () => createMlflowAdapter(config),
      createDead: () => createMlflowAdapter({ ...config, trackingUri: 'http://127.0.0.1:9' }),
      read: async (_adapter, handle) => await mlflowReader(server.url).read(String(handle.runId)),
      close: async () => await server.close(),
    }
  },
)
