import { LogPage } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Launcher, OutputLine } from '../launchers/launcher.ts'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'
import { collectOutput, collectRest } from './collect-output.ts'

describe('the output of a trainer that has a journal', () => {
  let harness: Harness
  /** What each job has printed so far. */
  const printed = new Map<number, OutputLine[]>()
  const launcher: Launcher = {
    ...noLauncher,
    async logs({ jobId }, from) {
      const lines = (printed.get(jobId) ?? []).slice(from.stdout)
      return { lines, position: { ...from, stdout: from.stdout + lines.length } }
    },
  }
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher } })
  })
  afterAll(() => harness.close())

  const START = Date.now() - 3600_000
  const at = (seconds: number) => new Date(START + seconds * 1000)

  async function openTrainer() {
    const journal = await openJournal(harness)
    const { traceId } = await harness.getJob(journal.jobId)
    let seq = 1
    const send = async (...events: Record<string, unknown>[]) => {
      expect((await journal.send(seq, events)).status).toBe(200)
      seq += events.length
    }
    const { context } = harness.runner
    const rows = async () => ({
      job: await context.database.db
        .selectFrom('jobs')
        .selectAll()
        .where('id', '=', journal.jobId)
        .executeTakeFirstOrThrow(),
      attempt: await context.database.db
        .selectFrom('attempts')
        .selectAll()
        .where('job_id', '=', journal.jobId)
        .executeTakeFirstOrThrow(),
    })
    return {
      print: (seconds: number, level: string, message: string) => {
        const lines = printed.get(journal.jobId) ?? []
        const text = message.startsWith('=')
          ? message.slice(1)
          : `[TRACE:${traceId}] [${level.toUpperCase()}] ${message}`
        printed.set(journal.jobId, [...lines, { source: 'stdout', text, time: at(seconds) }])
      },
      log: (seconds: number, level: string, message: string) =>
        send({ type: 'log', level, message, time: at(seconds).toISOString() }),
      progress: (seconds: number) =>
        send({ type: 'progress', epoch: 1, totalEpochs: 2, metrics: { loss: 1 }, time: at(seconds).toISOString() }),
      heartbeat: () => send(),
      collect: async () => {
        const { job, attempt } = await rows()
        await collectOutput(context, job, attempt, { final: false })
      },
      end: async () => {
        const { job, attempt } = await rows()
        await collectRest(context, job, attempt)
      },
      lines: async () =>
        LogPage.parse(await (await harness.request(`/v1/jobs/${journal.jobId}/logs`)).json()).lines.map(
          ({ source, level, message }) => `${source} ${level} ${message}`,
        ),
    }
  }

  it('is kept when only metrics are journaled, although it has the form of the contract', async () => {
    const trainer = await openTrainer()
    trainer.print(1, 'info', 'loading')
    trainer.print(2, 'warning', 'two images are empty')
    await trainer.progress(10)
    await trainer.collect()
    expect(await trainer.lines()).toEqual(['stdout info loading', 'stdout warning two images are empty'])
  })

  it('loses exactly the lines that the journal contains', async () => {
    const trainer = await openTrainer()
    await trainer.log(1, 'info', 'same text')
    await trainer.log(1, 'info', 'of another level')
    await trainer.log(2, 'info', 'first\nsecond')
    trainer.print(1, 'info', 'same text')
    trainer.print(1.1, 'info', 'same text')
    trainer.print(1, 'error', 'of another level')
    trainer.print(2, 'info', 'first')
    trainer.print(2, 'info', 'second')
    trainer.print(3, 'info', 'only printed')
    await trainer.end()
    expect((await trainer.lines()).filter((line) => line.startsWith('stdout'))).toEqual([
      'stdout info same text',
      'stdout error of another level',
      'stdout info only printed',
    ])
  })

  it('does not count a journaled line twice, also when the output is collected in parts', async () => {
    const trainer = await openTrainer()
    for (let second = 1; second <= 5; second++) {
      if (second <= 3) await trainer.log(second, 'info', 'again')
      trainer.print(second, 'info', 'again')
      await trainer.collect()
    }
    await trainer.progress(60)
    await trainer.collect()
    expect((await trainer.lines()).filter((line) => line.startsWith('stdout'))).toEqual([
      'stdout info again',
      'stdout info again',
    ])
  })

  it('is kept when the journal has the same text of another time', async () => {
    const trainer = await openTrainer()
    await trainer.log(1, 'info', 'epoch done')
    await trainer.progress(2)
    trainer.print(600, 'info', 'something else')
    await trainer.collect()
    trainer.print(1200, 'info', 'epoch done')
    await trainer.end()
    expect(await trainer.lines()).toEqual([
      'journal info epoch done',
      'stdout info something else',
      'stdout info epoch done',
    ])
  })

  it('waits for the journal, which may arrive later, and does not delay other lines', async () => {
    const trainer = await openTrainer()
    await trainer.progress(0)
    trainer.print(1, 'info', 'in both')
    trainer.print(1, 'info', 'only printed')
    trainer.print(1, 'info', '=without the form of the contract')
    await trainer.collect()
    expect(await trainer.lines()).toEqual(['stdout info without the form of the contract'])
    // Nothing is missed when the runner is replaced meanwhile: what waits is in the database.
    await trainer.log(1, 'info', 'in both')
    await trainer.collect()
    expect(await trainer.lines()).toHaveLength(2)
    // A report without events: the trainer has no more events of that time.
    await trainer.heartbeat()
    await trainer.collect()
    expect(await trainer.lines()).toEqual([
      'stdout info without the form of the contract',
      'journal info in both',
      'stdout info only printed',
    ])
  })

  it('is found in the journal in whatever order several processes print', async () => {
    const trainer = await openTrainer()
    const numbers = Array.from({ length: 300 }, (_, index) => index)
    for (const number of numbers) trainer.print(1 + number / 300, 'info', `line ${number ^ 1}`)
    for (const number of numbers.slice(0, 50)) await trainer.log(1 + number / 300, 'info', `line ${number}`)
    await trainer.collect()
    for (const number of numbers.slice(50)) await trainer.log(1 + number / 300, 'info', `line ${number}`)
    await trainer.end()
    expect((await trainer.lines()).filter((line) => line.startsWith('stdout'))).toEqual([])
    const stored = await harness.runner.context.database.db
      .selectFrom('attempts')
      .select('held_output')
      .orderBy('job_id', 'desc')
      .limit(1)
      .executeTakeFirst()
    expect(stored?.held_output).toMatchObject({ lines: [], found: [], seq: 300 })
  })
})
