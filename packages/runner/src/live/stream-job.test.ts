import { LiveMessage, LogPage } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'
import { LiveFeeds } from './feeds.ts'
import { streamJob } from './stream-job.ts'

interface Seen {
  id: string | undefined
  message: LiveMessage
}

/** Reads messages up to the first one that matches. */
async function readUntil(
  stream: ReadableStream<Uint8Array>,
  until: (message: LiveMessage) => boolean,
): Promise<Seen[]> {
  const seen: Seen[] = []
  const decoder = new TextDecoder()
  const reader = stream.getReader()
  let text = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return seen
      text += decoder.decode(value, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1]
        if (data === undefined) continue
        const message = LiveMessage.parse(JSON.parse(data))
        seen.push({ id: /^id: (.*)$/m.exec(block)?.[1], message })
        if (until(message)) return seen
      }
    }
  } finally {
    await reader.cancel()
  }
}

describe('the live stream of a job', () => {
  let harness: Harness
  let feeds: LiveFeeds
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
    await harness.runner.context.hub.start()
    feeds = new LiveFeeds(harness.runner.context)
  })
  afterAll(async () => {
    feeds.stop()
    await harness.close()
  })
  const progress = (epoch: number) => ({ type: 'progress', epoch, totalEpochs: 9, metrics: { loss: epoch } })
  const completed = { type: 'completed', result: { operation: 'train' } }

  it('starts with a snapshot, sends changes, and ends after the terminal state', async () => {
    const journal = await openJournal(harness)
    await journal.send(1, [progress(1), { type: 'log', level: 'info', message: 'before' }])
    const response = await harness.request(`/v1/jobs/${journal.jobId}/live`)
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    if (response.body === null) throw new Error('no body')
    const reading = readUntil(response.body, () => false)
    await new Promise((resolve) => setTimeout(resolve, 100))
    await journal.send(3, [progress(2), { type: 'log', level: 'info', message: 'after' }])
    await new Promise((resolve) => setTimeout(resolve, 100))
    await journal.send(5, [completed])
    const seen = (await reading).map(({ message }) => message)
    expect(seen[0]).toMatchObject({
      type: 'snapshot',
      job: { id: journal.jobId, state: 'running' },
      series: [{ name: 'loss', points: [{ step: 1, value: 1 }] }],
      logs: [{ message: 'before' }],
    })
    const points = seen.flatMap((message) => (message.type === 'metrics' ? message.points : []))
    expect(points).toMatchObject([{ name: 'loss', step: 2, value: 2 }])
    const lines = seen.flatMap((message) => (message.type === 'logs' ? message.lines : []))
    expect(lines).toMatchObject([{ message: 'after' }])
    expect(seen.at(-1)).toMatchObject({ type: 'job', job: { state: 'succeeded' } })
  })

  it('tells a reader which line precedes those of a snapshot, and how many lines exceeded the quota', async () => {
    const strict = await startHarness({
      runner: { launcher: noLauncher },
      config: { limits: { maxLogLinesPerAttempt: 300 } },
    })
    const ofStrict = new LiveFeeds(strict.runner.context)
    try {
      const journal = await openJournal(strict)
      const lines = Array.from({ length: 250 }, (_, index) => ({
        type: 'log',
        level: 'info',
        message: `line ${index}`,
      }))
      await journal.send(1, lines)
      await strict.runner.context.hub.start()
      const reading = readUntil(
        await streamJob(strict.runner.context, ofStrict, journal.jobId),
        (message) => message.type === 'logs' && message.droppedLogs !== undefined,
      )
      await new Promise((resolve) => setTimeout(resolve, 100))
      await journal.send(251, lines.slice(0, 80))
      const seen = (await reading).map(({ message }) => message)
      const [snapshot] = seen
      if (snapshot?.type !== 'snapshot') throw new Error('expected a snapshot')
      expect(snapshot.logs[0]?.message).toBe('line 50')
      expect(snapshot.droppedLogs).toBe(0)
      const page = LogPage.parse(
        await (await strict.request(`/v1/jobs/${journal.jobId}/logs?before=${snapshot.logs[0]?.id}&limit=1`)).json(),
      )
      expect(page.lines).toMatchObject([{ id: snapshot.previousLogId, message: 'line 49' }])
      expect(seen.at(-1)).toEqual({ type: 'logs', lines: [], droppedLogs: 30 })
    } finally {
      ofStrict.stop()
      await strict.close()
    }
  })

  it('resumes after Last-Event-ID with exactly the missed changes', async () => {
    const journal = await openJournal(harness)
    await journal.send(1, [progress(1)])
    const first = await readUntil(await streamJob(harness.runner.context, feeds, journal.jobId), () => true)
    const lastEventId = first.at(-1)?.id ?? ''
    await journal.send(2, [progress(2), progress(3)])
    const second = await readUntil(
      await streamJob(harness.runner.context, feeds, journal.jobId, { lastEventId }),
      (message) => message.type === 'metrics',
    )
    expect(second.map(({ message }) => message)).toMatchObject([
      { type: 'metrics', points: [{ step: 2 }, { step: 3 }] },
    ])
  })

  it.each(['', 'nonsense', '9.9', '999999999999999999.1.1'])(
    'sends a snapshot for the unknown id "%s"',
    async (lastEventId) => {
      const journal = await openJournal(harness)
      const seen = await readUntil(
        await streamJob(harness.runner.context, feeds, journal.jobId, { lastEventId }),
        () => true,
      )
      expect(seen[0]?.message.type).toBe('snapshot')
    },
  )

  it('sends comments, so that proxies keep an idle connection open', async () => {
    const journal = await openJournal(harness)
    const stream = await streamJob(harness.runner.context, feeds, journal.jobId, { heartbeatMs: 20 })
    const reader = stream.getReader()
    let text = ''
    while (!text.includes(': heartbeat')) text += new TextDecoder().decode((await reader.read()).value)
    await reader.cancel()
  })

  it('disconnects a reader that does not read, and releases its viewer', async () => {
    const journal = await openJournal(harness)
    const message = 'x'.repeat(16_000)
    await journal.send(
      1,
      Array.from({ length: 50 }, () => ({ type: 'log', level: 'info', message })),
    )
    const stream = await streamJob(harness.runner.context, feeds, journal.jobId, {
      slowConsumerMs: 50,
      heartbeatMs: 10,
    })
    await new Promise((resolve) => setTimeout(resolve, 400))
    const reader = stream.getReader()
    const ends = (async () => {
      while (!(await reader.read()).done);
      return 'ended'
    })()
    expect(await Promise.race([ends, new Promise((resolve) => setTimeout(() => resolve('open'), 3000))])).toBe('ended')
  })
})
