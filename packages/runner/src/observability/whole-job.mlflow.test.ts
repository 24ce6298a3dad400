import { describe, it } from 'vitest'
import { readWithTensorboard } from './testing/read-tensorboard.ts'
import { wholeJobCases } from './whole-job.cases.ts'

const { MLFLOW_TRACKING_URI: mlflowUrl, TENSORBOARD: tensorboard } = process.env

if (mlflowUrl === undefined || tensorboard === undefined) {
  describe('a whole job with MLflow and TensorBoard', () => {
    it.skip('needs both (pip install mlflow tensorboard, and set MLFLOW_TRACKING_URI and TENSORBOARD)', () => {})
  })
} else {
  wholeJobCases('the real ones', async () => ({
    mlflowUrl,
    readTensorboard: async (dir) => (await readWithTensorboard(tensorboard, dir)).points,
  }))
}
