import { findSchemathesis, runSchemathesis } from '@trainyard/platform/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, isOver, journalOf, startHarness } from './testing/harness.ts'

const program = findSchemathesis()

describe.skipIf(!program)('the OpenAPI document of the runner, held against the running server', () => {
  let harness: Harness
  let jobId: number
  beforeAll(async () => {
    harness = await startHarness({ start: true })
    const job = await harness.createJob()
    jobId = job.id
    await harness.waitFor(job.id, isOver, 60_000)
  })
  afterAll(() => harness.close())

  const run = (args: string[]) =>
    runSchemathesis(program ?? '', {
      url: harness.url,
      parameters: { '^/v1/jobs': { id: jobId }, '^/v1/datasets': { id: 'ds_test' } },
      args,
    })

  it('keeps its word to trainers', { timeout: 300_000 }, async () => {
    const { authorization } = await journalOf(harness, jobId, 1)
    const { code, output } = await run(['--include-tag', 'Trainers', '--header', `Authorization: ${authorization}`])
    expect(code, output).toBe(0)
  })

  // Last: it deletes what it finds.
  it('keeps its word to people', { timeout: 300_000 }, async () => {
    const { code, output } = await run(['--exclude-tag', 'Trainers'])
    expect(code, output).toBe(0)
  })
})
