import { listen } from '@trainyard/platform'
import { fakeMlflow } from './testing/fake-mlflow.ts'
import { readEventFiles } from './testing/read-event-files.ts'
import { wholeJobCases } from './whole-job.cases.ts'

wholeJobCases('scripted', async () => {
  const mlflow = await listen(fakeMlflow(), { port: 0, drainMs: 50 })
  return { mlflowUrl: mlflow.url, readTensorboard: readEventFiles, close: async () => await mlflow.close() }
})
