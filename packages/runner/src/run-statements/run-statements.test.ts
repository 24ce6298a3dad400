import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { END_REASONS, type EndReason, ReportRunRequest, RunStatement } from '@trainyard/contract'
import { verifyRunStatement } from '@trainyard/platform'
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Harness, startHarness, TEST_SECRET } from '../testing/harness.ts'
import { reportRuns } from './report-runs.ts'

const received: string[] = []
let answer = (response: ServerResponse): void => void response.writeHead(204).end()
const registry = createServer(async (request, response) => {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk as Uint8Array)
  received.push(ReportRunRequest.parse(JSON.parse(Buffer.concat(chunks).toString())).statement)
  answer(response)
})
let harness: Harness

beforeAll(async () => {
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve))
  const registryUrl = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`
  // With a secret, tokens have no public key; statements do.
  harness = await startHarness({ config: { registryUrl, jwtSecret: TEST_SECRET } })
})
afterAll(async () => {
  registry.close()
  await harness.close()
})

/** A job that ended, as the supervisor leaves it. */
async function endedJob({ ran, reason = 'completed' }: { ran: boolean; reason?: EndReason }) {
  const { id } = await harness.createJob()
  const { db } = harness.runner.context.database
  const end = harness.runner.context.clock.now()
  const since = ran ? new Date(end.getTime() - 90_000) : null
  await db.updateTable('attempts').set({ running_since: since, closed_at: end }).where('job_id', '=', id).execute()
  await db
    .updateTable('jobs')
    .set({ state: END_REASONS[reason].state, end_reason: reason, finished_at: end })
    .where('id', '=', id)
    .execute()
  return id
}
const report = () => reportRuns(harness.runner.context, harness.runner.context.statementKeys)

it('states each run once, signed with a key that everyone can read, until the registry has it', async () => {
  const id = await endedJob({ ran: true, reason: 'training_error' })
  answer = (response) => response.writeHead(503).end()
  await report()
  answer = (response) => response.writeHead(204).end()
  await report()
  await report()
  expect(received).toHaveLength(2)
  expect(new Set(received.map((statement) => statement.split('.')[1])).size).toBe(1)

  const response = await harness.runner.app.request('/.well-known/jwks.json')
  const keys = (await response.json()) as JSONWebKeySet
  expect(keys.keys.map(({ d }) => d)).toEqual([undefined])
  const claims = await verifyRunStatement(received[0] ?? '', createLocalJWKSet(keys), new Date())
  const job = await harness.getJob(id)
  expect(RunStatement.parse(claims)).toMatchObject({
    jti: `${harness.runner.context.instanceId}:${id}:1`,
    trainer: job.trainer.name,
    version: job.trainer.version,
    operation: 'train',
    outcome: 'failed',
    seconds: 90,
  })
})

it('does not send what the registry refuses again, nor jobs that ended before they ran', async () => {
  received.length = 0
  await endedJob({ ran: false })
  await endedJob({ ran: true })
  answer = (response) => response.writeHead(404).end('{}')
  await report()
  await report()
  expect(received).toHaveLength(1)
})

it('does not send failures of the platform, the settings or the dataset', async () => {
  received.length = 0
  answer = (response) => response.writeHead(204).end()
  for (const reason of ['node_lost', 'platform_unreachable', 'config_error', 'dataset_error'] as const)
    await endedJob({ ran: true, reason })
  const own = await endedJob({ ran: true, reason: 'out_of_memory' })
  await report()
  expect(received.map((statement) => decodeJwt(statement).jti)).toEqual([
    `${harness.runner.context.instanceId}:${own}:1`,
  ])
})

it('goes on after one that the registry cannot take, and stops when it takes none', async () => {
  received.length = 0
  const jobs = []
  for (let job = 0; job < 5; job += 1) jobs.push(await endedJob({ ran: true }))
  const first = `${harness.runner.context.instanceId}:${jobs[0]}:1`
  answer = (response) => response.writeHead(decodeJwt(received.at(-1) ?? '').jti === first ? 500 : 204).end()
  await report()
  expect(received).toHaveLength(5)
  for (let job = 0; job < 4; job += 1) await endedJob({ ran: true })
  received.length = 0
  answer = (response) => response.writeHead(500).end()
  await report()
  expect(received).toHaveLength(3)
  answer = (response) => response.writeHead(204).end()
  received.length = 0
  await report()
  expect(received).toHaveLength(5)
})
