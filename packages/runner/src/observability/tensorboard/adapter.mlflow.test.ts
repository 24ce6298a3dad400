import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { adapterCases } from '../adapter.cases.ts'
import { readWithTensorboard } from '../testing/read-tensorboard.ts'
import { createTensorboardAdapter } from './index.ts'

const tensorboard = process.env.TENSORBOARD

if (tensorboard === undefined) {
  describe('the tensorboard backend, read by TensorBoard', () => {
    it.skip('needs TensorBoard (pip install tensorboard, and set TENSORBOARD to its program)', () => {})
  })
} else {
  adapterCases(
    {
      name: 'tensorboard',
      idempotent: true,
      notFinite: true,
      singlePrecision: true,
      anyName: true,
      params: true,
      ends: true,
    },
    async () => {
      const dir = await mkdtemp(join(tmpdir(), 'trainyard-tensorboard-'))
      return {
        create: () => createTensorboardAdapter({ dir }),
        read: async (_adapter, handle) => await readWithTensorboard(tensorboard, String(handle.dir)),
        close: async () => await rm(dir, { recursive: true, force: true }),
      }
    },
  )
}
