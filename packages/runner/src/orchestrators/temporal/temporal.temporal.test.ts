import { createRequire } from 'node:module'
import { Client, type WorkflowHandle } from '@temporalio/client'
import type { NativeConnection } from '@temporalio/worker'
import { createLogger } from '@trainyard/platform'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, isOver, startHarness } from '../../testing/harness.ts'
import { testTemporal } from '../../testing/test-orchestrator.ts'
import { connect } from './connect.ts'

const temporal = testTemporal()

describe.skipIf(temporal === undefined)('the life of a job in Temporal', () => {
  let harness: Harness
  let connection: NativeConnection
  let client: Client
  beforeAll(async () => {
    if (temporal === undefined) return
    connection = await connect(temporal, createLogger({ name: 'test', level: 'silent' }))
    client = new Client({ connection, namespace: temporal.namespace })
    harness = await startHarness({ config: { orchestrator: 'temporal', temporal, maxConcurrentJobs: 1 }, start: true })
  })
  afterAll(async () => {
    await harness?.close()
    await connection?.close()
  })
  const workflowOf = (jobId: number): WorkflowHandle =>
    client.workflow.getHandle(`trainyard-${harness.runner.context.instanceId}/job/${jobId}`)
  /** A job is queued before its workflow exists. */
  const whenStarted = async (jobId: number): Promise<WorkflowHandle> => {
    const exists = () =>
      workflowOf(jobId)
        .describe()
        .then(() => true)
        .catch(() => false)
    await expect.poll(exists, { timeout: 60_000 }).toBe(true)
    return workflowOf(jobId)
  }
  /** The verbs of a workflow's last run, in order. */
  const verbsOf = async (jobId: number) =>
    ((await workflowOf(jobId).fetchHistory()).events ?? []).flatMap(
      ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name ?? [],
    )

  it('is a workflow of the same verbs, with its project, trainer and state to search by', async () => {
    const { id } = await harness.createJob({ config: { epochs: 2, epoch_ms: 10 } })
    expect(await harness.waitFor(id, isOver)).toMatchObject({ state: 'succeeded', attempt: 1 })
    expect(await workflowOf(id).result()).toEqual({ state: 'succeeded', endReason: 'completed' })
    const verbs = await verbsOf(id)
    expect(verbs.filter((verb) => verb !== 'advance')).toEqual([
      'validateDataset',
      'prepareEnvironment',
      'launchTrainer',
      'supervise',
      'awaitExport',
    ])
    const { searchAttributes } = await workflowOf(id).describe()
    expect(searchAttributes).toMatchObject({
      TrainyardProject: ['prj_default'],
      TrainyardTrainer: ['acme/plain'],
      TrainyardState: ['succeeded'],
    })
  })

  it('retries after a pause, which is a timer of the workflow', async () => {
    const { id } = await harness.createJob({ maxRetries: 1, config: { epochs: 2, epoch_ms: 10, fail_attempts: 1 } })
    expect(await harness.waitFor(id, isOver)).toMatchObject({ state: 'succeeded', attempt: 2 })
    await workflowOf(id).result()
    const verbs = await verbsOf(id)
    expect(verbs.filter((verb) => verb === 'launchTrainer')).toHaveLength(2)
    expect(verbs.filter((verb) => verb === 'supervise')).toHaveLength(2)
  })

  it('cancels the job of a workflow that is cancelled in Temporal', async () => {
    const { id } = await harness.createJob({ config: { epochs: 1000, epoch_ms: 50 } })
    await harness.waitFor(id, ({ state }) => state === 'running')
    await workflowOf(id).cancel()
    expect(await harness.waitFor(id, isOver)).toMatchObject({ state: 'cancelled', endReason: 'cancelled_by_user' })
    expect(await workflowOf(id).result()).toMatchObject({ state: 'cancelled' })
  })

  it('keeps a paused job in its queue until it is resumed', async () => {
    const first = await harness.createJob({ config: { epochs: 1000, epoch_ms: 50 } })
    await harness.waitFor(first.id, ({ state }) => state === 'running')
    const paused = await harness.createJob({ priority: 5, config: { epochs: 1, epoch_ms: 10 } })
    await whenStarted(paused.id)
    const { db } = harness.runner.context.database
    const heldSince = async () =>
      (await db.selectFrom('jobs').select('held_at').where('id', '=', paused.id).executeTakeFirstOrThrow()).held_at
    await workflowOf(paused.id).signal('pause')
    await expect.poll(heldSince, { timeout: 30_000 }).toBeInstanceOf(Date)
    const other = await harness.createJob({ config: { epochs: 1, epoch_ms: 10 } })
    await harness.post(`/v1/jobs/${first.id}/cancel`, {})
    await harness.waitFor(other.id, isOver)
    expect((await harness.getJob(paused.id)).state).toBe('queued')
    await workflowOf(paused.id).signal('resume')
    expect(await harness.waitFor(paused.id, isOver)).toMatchObject({ state: 'succeeded' })
  })

  it('takes the job with the highest priority first', async () => {
    const first = await harness.createJob({ config: { epochs: 1000, epoch_ms: 50 } })
    await harness.waitFor(first.id, ({ state }) => state === 'running')
    const low = await harness.createJob({ priority: -5, config: { epochs: 1, epoch_ms: 10 } })
    const high = await harness.createJob({ priority: 5, config: { epochs: 1, epoch_ms: 10 } })
    for (const { id } of [low, high]) await whenStarted(id)
    await harness.post(`/v1/jobs/${first.id}/cancel`, {})
    const started = async (id: number) => Date.parse((await harness.waitFor(id, isOver)).startedAt ?? '')
    expect(await started(high.id)).toBeLessThan(await started(low.id))
  })

  it('goes on as another run of the same workflow after a restart', async () => {
    const { id } = await harness.createJob({ config: { epochs: 1, epoch_ms: 10 } })
    await harness.waitFor(id, isOver)
    const before = await workflowOf(id).describe()
    await workflowOf(id).result()
    await harness.post(`/v1/jobs/${id}/restart`, {})
    expect(await harness.waitFor(id, (job) => job.attempt === 2 && isOver(job))).toMatchObject({ state: 'succeeded' })
    expect((await workflowOf(id).describe()).runId).not.toBe(before.runId)
  })

  it('continues as new while its attempt runs', async () => {
    const blocker = await harness.createJob({ config: { epochs: 1000, epoch_ms: 50 } })
    await harness.waitFor(blocker.id, ({ state }) => state === 'running')
    const { id } = await harness.createJob({ config: { epochs: 1000, epoch_ms: 50 } })
    const { runId } = await (await whenStarted(id)).describe()
    await workflowOf(id).terminate('started again with a short history')
    await client.workflow.start('trainyardJob', {
      workflowId: workflowOf(id).workflowId,
      taskQueue: `trainyard-${harness.runner.context.instanceId}`,
      args: [{ jobId: id, maxEvents: 25 }],
    })
    await harness.post(`/v1/jobs/${blocker.id}/cancel`, {})
    await harness.waitFor(id, ({ state }) => state === 'running')
    const first = await workflowOf(id).describe()
    expect(first.runId).not.toBe(runId)
    const nextRun = async () => {
      await workflowOf(id).signal('orphaned')
      return (await workflowOf(id).describe()).runId
    }
    await expect.poll(nextRun, { timeout: 60_000 }).not.toBe(first.runId)
    expect((await harness.getJob(id)).state).toBe('running')
    await harness.post(`/v1/jobs/${id}/cancel`, {})
    expect(await harness.waitFor(id, isOver)).toMatchObject({ state: 'cancelled', attempt: 1 })
  })

  it('can be lost: the job ends all the same, and its restart gets a workflow of its own', async () => {
    const { id } = await harness.createJob({ config: { epochs: 1000, epoch_ms: 50 } })
    await harness.waitFor(id, ({ state }) => state === 'running')
    await workflowOf(id).terminate('lost')
    await harness.post(`/v1/jobs/${id}/cancel`, {})
    expect(await harness.waitFor(id, isOver)).toMatchObject({ state: 'cancelled' })
    await harness.post(`/v1/jobs/${id}/restart`, {})
    await harness.waitFor(id, ({ state }) => state === 'running')
    await workflowOf(id).cancel()
    expect(await harness.waitFor(id, isOver)).toMatchObject({ state: 'cancelled', attempt: 2 })
  })
})

it('the packages of Temporal are loaded only when they are chosen', () => {
  const { peerDependenciesMeta } = createRequire(import.meta.url)('../../../package.json') as {
    peerDependenciesMeta: Record<string, { optional: boolean }>
  }
  expect(peerDependenciesMeta['@temporalio/worker']).toEqual({ optional: true })
})
