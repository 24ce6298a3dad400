import { adapterCases } from '../adapter.cases.ts'
import { createDatabaseAdapter } from './index.ts'

adapterCases(
  { name: 'database', idempotent: true, notFinite: true, anyName: true, params: false, ends: false },
  async () => ({
    create: createDatabaseAdapter,
    read: async () => ({ points: [], params: {}, artifacts: [], lines: [] }),
  }),
)
