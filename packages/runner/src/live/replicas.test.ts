import { join } from 'node:path'
import { LiveMessage } from '@trainyard/contract'
import { createLogger, type Listening, listen } from '@trainyard/platform'
import { asLocalOwner, asLocalOwnerOfSockets } from '@trainyard/platform/testing'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createRunner, type Runner } from '../create-runner.ts'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'

/** Well below the interval at which a replica reads again without a notification. */
const NOTIFIED_MS = 8000

describe('a live stream of one replica, for a job whose events another replica receives', () => {
  let harness: Harness
  let other: Runner
  let server: Listening
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
    await harness.runner.context.hub.start()
    other = await createRunner({
      config: { ...harness.config, dataDir: join(harness.config.dataDir, 'other') },
      store: harness.runner.context.store,
      logger: createLogger({ name: 'test', level: 'silent' }),
      trainers: harness.runner.context.trainers,
      launcher: noLauncher,
    })
    await other.context.hub.start()
    const owner = await other.context.identity.createOwnerToken('other')
    server = await listen(
      { fetch: asLocalOwner((request) => other.app.fetch(request), owner) },
      { port: 0, upgrade: asLocalOwnerOfSockets(other.upgrade, owner) },
    )
  })
  afterAll(async () => {
    await server.close()
    await other.stop()
    await harness.close()
  })

  const progress = (epoch: number) => ({ type: 'progress', epoch, totalEpochs: 9, metrics: { loss: epoch } })
  const log = (message: string) => ({ type: 'log', level: 'info', message })
  const completed = { type: 'completed', result: { operation: 'train' } }

  function watchSocket(jobId: number): LiveMessage[] {
    const messages: LiveMessage[] = []
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/jobs/${jobId}/live`)
    socket.on('message', (data) => messages.push(LiveMessage.parse(JSON.parse(String(data)))))
    return messages
  }
  function watchEvents(jobId: number): LiveMessage[] {
    const messages: LiveMessage[] = []
    const read = async () => {
      const response = await fetch(`${server.url}/v1/jobs/${jobId}/live`)
      let text = ''
      for await (const chunk of response.body ?? []) {
        text += new TextDecoder().decode(chunk)
        const blocks = text.split('\n\n')
        text = blocks.pop() ?? ''
        for (const block of blocks) {
          const data = /^data: (.*)$/m.exec(block)?.[1]
          if (data !== undefined) messages.push(LiveMessage.parse(JSON.parse(data)))
        }
      }
    }
    void read()
    return messages
  }
  const stepsOf = (messages: LiveMessage[]) =>
    messages.flatMap((message) => (message.type === 'metrics' ? message.points.map(({ step }) => step) : []))
  const linesOf = (messages: LiveMessage[]) =>
    messages.flatMap((message) => (message.type === 'logs' ? message.lines.map((line) => line.message) : []))
  const endOf = (messages: LiveMessage[]) => {
    const last = messages.at(-1)
    return last?.type === 'job' ? last.job.state : undefined
  }
  const notified = { timeout: NOTIFIED_MS, interval: 20 }

  it.each([
    ['WebSocket', watchSocket],
    ['server-sent events', watchEvents],
  ])('sends each event once and in order, with the end of the job: %s', async (_how, watch) => {
    const journal = await openJournal(harness)
    await journal.send(1, [progress(1)])
    const messages = watch(journal.jobId)
    await expect.poll(() => messages[0]?.type, { timeout: 60_000 }).toBe('snapshot')
    for (let epoch = 2; epoch <= 9; epoch++) {
      await journal.send(2 * epoch - 2, [progress(epoch), log(`epoch ${epoch}`)])
      await expect.poll(() => linesOf(messages).at(-1), notified).toBe(`epoch ${epoch}`)
    }
    await journal.send(18, [completed])
    await expect.poll(() => endOf(messages), notified).toBe('succeeded')
    expect(stepsOf(messages)).toEqual([2, 3, 4, 5, 6, 7, 8, 9])
    expect(linesOf(messages)).toHaveLength(8)
  })

  it('loses nothing when the connection for notifications is cut', async () => {
    const journal = await openJournal(harness)
    const messages = watchSocket(journal.jobId)
    await expect.poll(() => messages[0]?.type, { timeout: 60_000 }).toBe('snapshot')
    const { db } = harness.runner.context.database
    const { rows } = await sql<{ pid: number }>`
      select pid, pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'trainyard-listen' and query like ${`%${harness.config.databaseSchema}:jobs%`}`.execute(
      db,
    )
    expect(rows.length, 'connections that were cut').toBe(2)
    await journal.send(1, [progress(1), log('not notified')])
    await expect.poll(() => linesOf(messages), notified).toEqual(['not notified'])
    await journal.send(3, [progress(2), log('notified again')])
    await expect.poll(() => linesOf(messages), notified).toEqual(['not notified', 'notified again'])
    expect(stepsOf(messages)).toEqual([1, 2])
  })
})
