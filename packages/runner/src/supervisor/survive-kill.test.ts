import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LogPage, StoredEventPage } from '@trainyard/contract'
import { processIdentity } from '@trainyard/platform'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isOver } from '../testing/harness.ts'
import { type KillableRunner, startKillableRunner } from '../testing/killable-runner.ts'

describe('a runner that is killed with SIGKILL', () => {
  let runner: KillableRunner
  beforeAll(async () => {
    runner = await startKillableRunner()
  })
  afterAll(async () => await runner.close())

  it('leaves the trainer running; the next runner adopts it, stores each event once, and the job succeeds', async () => {
    const created = await runner.createJob({ epochs: 60, epoch_ms: 25 })
    await runner.waitFor(created.id, (job) => (job.progress.epoch ?? 0) >= 5)
    await runner.kill()
    await sleep(400)
    await runner.restart()
    const job = await runner.waitFor(created.id, isOver)
    expect(job).toMatchObject({ state: 'succeeded', attempt: 1, progress: { epoch: 60 } })

    const { events } = StoredEventPage.parse(await runner.get(`/v1/jobs/${job.id}/events?limit=1000`))
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1))
    const epochs = events.filter((event) => event.type === 'progress').map((event) => event.body.epoch)
    expect(epochs).toEqual(Array.from({ length: 60 }, (_, index) => index + 1))
    const { lines } = LogPage.parse(await runner.get(`/v1/jobs/${job.id}/logs`))
    expect(lines.filter((line) => line.message.startsWith('plain line'))).toHaveLength(1)
  })

  it('is followed by one that reads the exit of a trainer which ended meanwhile', async () => {
    const created = await runner.createJob({ epochs: 3, ending: 'hang' })
    await runner.waitFor(created.id, (job) => job.progress.epoch === 3)
    const { events } = StoredEventPage.parse(await runner.get(`/v1/jobs/${created.id}/events?type=started`))
    const pid = Number(events[0]?.body.pid)
    await runner.kill()
    process.kill(pid, 'SIGKILL')
    while ((await processIdentity(pid)) !== undefined) await sleep(10)
    await runner.restart()
    const job = await runner.waitFor(created.id, isOver)
    expect(job).toMatchObject({ state: 'failed', endReason: 'training_error' })
    expect(job.error?.message).toContain('SIGKILL')
  })

  it('is followed by one that removes the folders of its attempts', async () => {
    const leftovers = async () => {
      const [instance = ''] = await readdir(join(runner.dir, 'data', 'attempts'))
      return (await readdir(join(runner.dir, 'data', 'attempts', instance))).filter((name) =>
        name.startsWith('trainyard-'),
      )
    }
    await expect.poll(leftovers, { timeout: 60_000 }).toEqual([])
  })
})
