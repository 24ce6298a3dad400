import { Job, JobList, LiveMessage, MetricSeriesList } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'

const NAMES = 250
const names = Array.from({ length: NAMES }, (_, index) => `m${String(index).padStart(3, '0')}`)

describe('a job with many metrics', () => {
  let harness: Harness
  let jobId: number
  let primary: string
  let journal: Awaited<ReturnType<typeof openJournal>>
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
    journal = await openJournal(harness)
    jobId = journal.jobId
    primary = (await harness.getJob(jobId)).primaryMetric.name
    const metrics = (step: number) => Object.fromEntries(names.map((name, index) => [name, index + step]))
    await journal.send(1, [
      { type: 'progress', step: 1, metrics: metrics(1) },
      { type: 'progress', step: 2, metrics: { ...metrics(2), [primary]: 0.5 } },
    ])
  })
  afterAll(() => harness.close())

  const page = async (query = '') => {
    const response = await harness.request(`/v1/jobs/${jobId}/metrics?${query}`)
    expect(response.status).toBe(200)
    return MetricSeriesList.parse(await response.json())
  }

  it('is read in pages by name, each name once', async () => {
    const read: string[] = []
    let cursor: string | undefined
    let pages = 0
    do {
      const found: MetricSeriesList = await page(`limit=60${cursor === undefined ? '' : `&cursor=${cursor}`}`)
      expect(found.series.length).toBeLessThanOrEqual(60)
      read.push(...found.series.map(({ name }) => name))
      cursor = found.nextCursor
      pages++
    } while (cursor !== undefined)
    expect(pages).toBe(5)
    expect(read).toEqual([...names, primary].toSorted())
    const first = await page()
    expect(first.series).toHaveLength(100)
    expect(first.series.find(({ name }) => name === 'm000')).toMatchObject({
      name: 'm000',
      count: 2,
      points: [
        { step: 1, value: 1 },
        { step: 2, value: 2 },
      ],
    })
  })

  it('has fewer series on a page when each has many points', async () => {
    expect((await page('points=100000&limit=1000')).series).toHaveLength(10)
  })

  it('keeps its primary metric among the 100 that everyone gets with the job', async () => {
    const { latestMetrics } = await harness.getJob(jobId)
    expect(Object.keys(latestMetrics)).toHaveLength(100)
    expect(latestMetrics).toMatchObject({ [primary]: 0.5, m000: 2 })
    expect((await page('only=latest')).series.map(({ name }) => name)).toEqual(Object.keys(latestMetrics).toSorted())
    // A metric that is shown stays shown.
    await journal.send(3, [{ type: 'progress', step: 3, metrics: { a: 1, zzz: 1, m001: 9 } }])
    expect((await harness.getJob(jobId)).latestMetrics).toEqual({ ...latestMetrics, m001: 9 })
  })

  it('has only its primary metric in lists, without settings and result', async () => {
    const text = await (await harness.request('/v1/jobs')).text()
    const [job] = JobList.parse(JSON.parse(text)).jobs
    expect(job?.latestMetrics).toEqual({ [primary]: 0.5 })
    expect(Object.keys(job ?? {})).not.toEqual(expect.arrayContaining(['config']))
    expect(text.length).toBeLessThan(2000)
  })

  it('shows the same metrics live', async () => {
    const { latestMetrics } = await harness.getJob(jobId)
    const response = await harness.request(`/v1/jobs/${jobId}/live`)
    const messages: LiveMessage[] = []
    let rest = ''
    let isSent = false
    for await (const chunk of response.body ?? []) {
      rest += new TextDecoder().decode(chunk)
      const blocks = rest.split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1]
        if (data !== undefined) messages.push(LiveMessage.parse(JSON.parse(data)))
      }
      if (!isSent && messages.length > 0) {
        isSent = true
        await journal.send(4, [{ type: 'progress', step: 4, metrics: { m002: 7, m249: 8, new: 9 } }])
      }
      if (messages.some(({ type }) => type === 'metrics')) break
    }
    const [snapshot, ...changes] = messages
    expect(snapshot).toMatchObject({ type: 'snapshot' })
    expect(snapshot?.type === 'snapshot' && snapshot.series.map(({ name }) => name)).toEqual(
      Object.keys(latestMetrics).toSorted(),
    )
    const points = changes.flatMap((message) => (message.type === 'metrics' ? message.points : []))
    expect(points.map(({ name, value }) => [name, value])).toEqual([['m002', 7]])
  })

  it('keeps 100 metrics of its result', async () => {
    const other = await openJournal(harness)
    const metrics = Object.fromEntries(names.map((name) => [name, 1]))
    await other.send(1, [{ type: 'completed', result: { operation: 'train', metrics } }])
    const { result } = Job.parse(await (await harness.request(`/v1/jobs/${other.jobId}`)).json())
    expect(result?.operation === 'train' && Object.keys(result.metrics)).toEqual(names.slice(0, 100))
  })
})
