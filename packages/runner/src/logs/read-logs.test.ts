import { LogPage } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'

describe('the log of a job', () => {
  let harness: Harness
  let large: Harness
  beforeAll(async () => {
    large = await startHarness({ runner: { launcher: noLauncher } })
    harness = await startHarness({
      runner: { launcher: noLauncher },
      config: { limits: { maxLogLinesPerAttempt: 1000 } },
    })
  })
  afterAll(async () => {
    await harness.close()
    await large.close()
  })
  const read = async (jobId: number, query: string) =>
    LogPage.parse(await (await harness.request(`/v1/jobs/${jobId}/logs?${query}`)).json())
  const line = (message: string, level = 'info') => ({ type: 'log', level, message })

  it('stores lines up to the quota, then counts dropped lines', async () => {
    const journal = await openJournal(harness)
    const lines = Array.from({ length: 700 }, (_, index) => line(`line ${index}`))
    await journal.send(1, lines)
    expect((await read(journal.jobId, 'limit=1')).dropped).toBe(0)
    await journal.send(701, lines)
    await journal.send(1401, lines.slice(0, 50))
    const page = await read(journal.jobId, 'limit=5000')
    expect(page.lines).toHaveLength(1000)
    expect(page.lines.at(-1)?.message).toBe('line 299')
    expect(page.dropped).toBe(450)
  })

  it('returns each line on exactly one page, also while lines are added', async () => {
    const journal = await openJournal(harness)
    await journal.send(
      1,
      Array.from({ length: 50 }, (_, index) => line(`line ${index}`)),
    )
    const seen: string[] = []
    let cursor: string | undefined
    let seq = 51
    do {
      const page = await read(journal.jobId, `limit=7${cursor === undefined ? '' : `&cursor=${cursor}`}`)
      seen.push(...page.lines.map(({ message }) => message))
      cursor = page.nextCursor
      if (seq < 61) await journal.send(seq, [line(`line ${seq++ - 1}`)])
    } while (cursor !== undefined)
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, index) => `line ${index}`))
    expect(seen.length).toBeGreaterThanOrEqual(56)
  })

  it('is searchable by level and by text, ignoring case, without wildcards', async () => {
    const journal = await openJournal(harness)
    await journal.send(1, [
      line('Loss is 100% of it'),
      line('a_b', 'warning'),
      line('axb', 'error'),
      line('ÄRGER mit dem GPU', 'error'),
      line('fine', 'debug'),
    ])
    const found = async (query: string) => (await read(journal.jobId, query)).lines.map(({ message }) => message)
    expect(await found('level=warning')).toEqual(['a_b', 'axb', 'ÄRGER mit dem GPU'])
    expect(await found('search=A_B')).toEqual(['a_b'])
    expect(await found(`search=${encodeURIComponent('100%')}`)).toEqual(['Loss is 100% of it'])
    expect(await found(`search=${encodeURIComponent('ärger')}&level=error`)).toEqual(['ÄRGER mit dem GPU'])
    expect(await found('search=gpu&level=debug')).toEqual(['ÄRGER mit dem GPU'])
    expect(await found('search=nowhere')).toEqual([])
  })

  describe('of 2,500 lines', () => {
    let jobId: number
    const texts = (page: LogPage) => page.lines.map(({ message }) => message)
    const numbered = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}`)
    beforeAll(async () => {
      const journal = await openJournal(large)
      jobId = journal.jobId
      // Another job's lines are between these.
      const other = await openJournal(large)
      const start = Date.parse('2026-11-20T09:00:00Z')
      for (let first = 1; first <= 2500; first += 500) {
        await journal.send(
          first,
          numbered(first, first + 499).map((message, index) => ({
            ...line(message, (first + index) % 100 === 0 ? 'warning' : 'info'),
            time: new Date(start + (first + index) * 1000).toISOString(),
          })),
        )
        await other.send(
          first,
          numbered(1, 500).map((message) => line(message)),
        )
      }
    })
    const readLarge = async (query: string) =>
      LogPage.parse(await (await large.request(`/v1/jobs/${jobId}/logs?${query}`)).json())

    it('has its newest lines on the page at its end', async () => {
      const page = await readLarge('from=end&limit=1000&count=true')
      expect(texts(page)).toEqual(numbered(1501, 2500))
      expect(page).toMatchObject({ earlier: 1500, later: 0 })
      expect(page.nextCursor).toBeUndefined()
    })

    it.each(['', '&level=warning', '&search=line%201'])('is read completely in both directions%s', async (filter) => {
      const whole = texts(await readLarge(`limit=5000${filter}`))
      const back: string[] = []
      let page = await readLarge(`from=end&limit=7${filter}`)
      for (;;) {
        back.unshift(...texts(page))
        if (page.previousCursor === undefined) break
        page = await readLarge(`before=${page.previousCursor}&limit=333${filter}`)
      }
      expect(back).toEqual(whole)
      const forward = [...texts(page)]
      while (page.nextCursor !== undefined) {
        page = await readLarge(`after=${page.nextCursor}&limit=333${filter}`)
        forward.push(...texts(page))
      }
      expect(forward).toEqual(whole)
    })

    it('is read from a line number, and from a time', async () => {
      const fromLine = await readLarge('line=2000&limit=2&count=true')
      expect(texts(fromLine)).toEqual(['line 2000', 'line 2001'])
      expect(fromLine).toMatchObject({ earlier: 1999, later: 499 })
      expect(texts(await readLarge('line=2000&level=warning&limit=2'))).toEqual(['line 2000', 'line 2100'])
      expect(texts(await readLarge('line=2501'))).toEqual([])
      const fromTime = await readLarge(`since=${encodeURIComponent('2026-11-20T10:30:00+01:00')}&limit=1`)
      expect(texts(fromTime)).toEqual(['line 1800'])
      expect(texts(await readLarge('until=2026-11-20T09:30:00Z&from=end&limit=1'))).toEqual(['line 1799'])
    })

    it('shows the lines between two lines, from either side', async () => {
      const [first, second] = (await readLarge('line=100&limit=2')).lines
      const last = (await readLarge('line=1000&limit=1')).lines[0]
      const between = await readLarge(`after=${second?.id}&before=${last?.id}&limit=3&count=true`)
      expect(texts(between)).toEqual(numbered(102, 104))
      expect(between).toMatchObject({ earlier: 101, later: 2396, nextCursor: String(between.lines[2]?.id) })
      expect(texts(await readLarge(`after=${first?.id}&before=${last?.id}&limit=2&from=end`))).toEqual(
        numbered(998, 999),
      )
      // Nothing is between neighbours, and the cursors still lead to both sides.
      const empty = await readLarge(`after=${first?.id}&before=${second?.id}&count=true`)
      expect(empty).toMatchObject({ lines: [], earlier: 100, later: 2400 })
      expect(texts(await readLarge(`before=${empty.previousCursor}&limit=1`))).toEqual(['line 100'])
      expect(texts(await readLarge(`after=${empty.nextCursor}&limit=1`))).toEqual(['line 101'])
    })

    it.each(['since=yesterday', 'line=0', 'from=middle', 'before=x'])('refuses the query %s', async (query) => {
      expect((await large.request(`/v1/jobs/${jobId}/logs?${query}`)).status).toBe(400)
    })
  })
})
