import { EventsResponse, Problem } from '@trainyard/contract'
import { openDatabase } from '@trainyard/platform'
import {
  type FaultyDatabase,
  type StatementFault,
  startFaultyDatabase,
  testDatabaseUrl,
} from '@trainyard/platform/testing'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'

/** More statements than a batch has. */
const MAX_CALLS = 60

describe('the intake, when its connection to the database is lost', () => {
  let database: FaultyDatabase
  let harness: Harness
  beforeAll(async () => {
    database = await startFaultyDatabase()
    harness = await startHarness({ runner: { launcher: noLauncher }, config: { databaseUrl: database.url } })
  })
  afterAll(async () => {
    await harness.close()
    await database.close()
  })

  const batchOf = (first: number) => [
    { type: 'progress', epoch: first, totalEpochs: 10_000, metrics: { loss: 1 / first, accuracy: 0.5 } },
    { type: 'log', level: 'info', message: `epoch ${first}` },
    { type: 'progress', epoch: first, step: first, metrics: { batch_loss: 0.1 } },
  ]

  /** What is stored, read over a connection that is never lost, at the moment of the answer. */
  async function storedOf(jobId: number): Promise<number[]> {
    const { databaseSchema } = harness.config
    const direct = await openDatabase({ url: testDatabaseUrl(), schema: `${databaseSchema}_x`, migrations: {} })
    try {
      const table = sql.table(`${databaseSchema}.events`)
      const rows = await sql<{ seq: number }>`select seq from ${table} where job_id = ${jobId} order by seq`.execute(
        direct.db,
      )
      await sql`drop schema ${sql.id(`${databaseSchema}_x`)} cascade`.execute(direct.db)
      return rows.rows.map(({ seq }) => seq)
    } finally {
      await direct.close()
    }
  }

  /** Sends a batch once with a fault, and then as the trainer does: until it is acknowledged. */
  async function sendFaulty(
    journal: Awaited<ReturnType<typeof openJournal>>,
    first: number,
    events: Record<string, unknown>[],
    { call, fault }: { call: number; fault: StatementFault },
  ): Promise<boolean> {
    database.arm(call, fault)
    let response = await journal.send(first, events)
    const wasLost = database.disarm()
    if (response.status !== 200) {
      expect(wasLost, `statement ${call}: ${await response.clone().text()}`).toBe(true)
      expect(Problem.parse(await response.json()), `statement ${call}`).toMatchObject({ status: 503, retryable: true })
      response = await journal.send(first, events)
    }
    const { acknowledged } = EventsResponse.parse(await response.json())
    expect(acknowledged, `statement ${call}`).toBe(first + events.length - 1)
    expect(await storedOf(journal.jobId), `statement ${call}`).toEqual(
      Array.from({ length: acknowledged }, (_, index) => index + 1),
    )
    return wasLost
  }

  describe.each<[StatementFault, string]>([
    ['before', 'the statement reaches it'],
    ['after', 'it has carried the statement out'],
  ])('%s %s', (fault) => {
    it('has stored all that it acknowledges of a batch, once, at each statement', async () => {
      const journal = await openJournal(harness)
      await journal.send(1, [{ type: 'started' }])
      let last = 1
      let call = 1
      for (; call < MAX_CALLS; call++) {
        const events = batchOf(last + 1)
        const wasLost = await sendFaulty(journal, last + 1, events, { call, fault })
        last += events.length
        if (!wasLost) break
      }
      // One at least, and the last batch met no fault.
      expect(call).toBeGreaterThan(1)
      expect(call).toBeLessThan(MAX_CALLS)
      expect((await harness.getJob(journal.jobId)).progress?.epoch).toBe(last - 2)
    })

    it('has stored the end of a job that it acknowledges, once, at each statement', async () => {
      let call = 1
      for (; call < MAX_CALLS; call++) {
        const journal = await openJournal(harness)
        const events = [{ type: 'started' }, { type: 'completed', result: { operation: 'train' } }]
        if (!(await sendFaulty(journal, 1, events, { call, fault }))) break
      }
      expect(call).toBeGreaterThan(1)
      expect(call).toBeLessThan(MAX_CALLS)
    })
  })
})
