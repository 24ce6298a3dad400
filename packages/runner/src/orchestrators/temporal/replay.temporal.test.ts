import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from '@temporalio/worker'
import { DeterminismViolationError } from '@temporalio/workflow'
import { createLogger } from '@trainyard/platform'
import { beforeAll, describe, expect, it } from 'vitest'
import { installRuntime } from './connect.ts'
import { workflowBundle } from './workflow-bundle.ts'

const DIR = join(import.meta.dirname, '../../../fixtures/histories')

/** Each version of the workflow leaves histories here, and they stay. */
describe('workflows of earlier versions', () => {
  let codePath: string
  beforeAll(async () => {
    installRuntime(createLogger({ name: 'test', level: 'silent' }))
    codePath = await workflowBundle()
  })
  const replay = async (history: unknown) =>
    await Worker.runReplayHistory({ workflowBundle: { codePath } }, history, 'trainyard-test/job/1')
  const read = (name: string): unknown => JSON.parse(readFileSync(join(DIR, name), 'utf8'))

  it.each(readdirSync(DIR))('%s continues on this code', async (name) => {
    await replay(read(name))
  })

  it('would not continue when a step was added without a patch', async () => {
    const text = JSON.stringify(read('succeeded.json')).replaceAll('prepareEnvironment', 'prepareMore')
    await expect(replay(JSON.parse(text))).rejects.toThrow(DeterminismViolationError)
  })
})
