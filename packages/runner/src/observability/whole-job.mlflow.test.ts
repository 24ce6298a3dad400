import { describe, it } from 'vitest'
import { readWithTensorboard } from './testing/read-tensorboard.ts'
import { wholeJobCases } from './whole-job.cases.ts'

const { MLFLOW_TRACKING_URI: mlflowUrl, TENSORBOARD: tensorboard } = process.env

if (mlflowUrl === undefined || tensorboard === undefined) {
  describe('a whole job told to MLflow and TensorBoard', () => {
    it.skip('needs both: set MLFLOW_TRACKING_URI and TENSORBOARD (pip install mlflow tensorboard)', () => {})
  })
} else {
  wholeJobCases('the real ones', async () => ({
    mlflowUrl,
    readTensorboard: async (dir) => (await readWithTensorboard(tensorboard, dir)).points,
  }))
}
