import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ReportRunRequest, RunStatement } from '@trainyard/contract'
import { verifyRunStatement } from '@trainyard/platform'
import { createLocalJWKSet, type JSONWebKeySet } from 'jose'
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
async function endedJob({ ran, state = 'succeeded' }: { ran: boolean; state?: 'succeeded' | 'failed' }) {
  const { id } = await harness.createJob()
  const { db } = harness.runner.context.database
  const end = harness.runner.context.clock.now()
  const since = ran ? new Date(end.getTime() - 90_000) : null
  await db.updateTable('attempts').set({ running_since: since, closed_at: end }).where('job_id', '=', id).execute()
  await db.updateTable('jobs').set({ state, finished_at: end }).where('id', '=', id).execute()
  return id
}
const report = () => reportRuns(harness.runner.context, harness.runner.context.statementKeys)

it('states each run once, signed with a key that everyone can read, until the registry has it', async () => {
  const id = await endedJob({ ran: true, state: 'failed' })
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
