import { LogPage } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'

describe('the log of a job', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({
      runner: { launcher: noLauncher },
      config: { limits: { maxLogLinesPerAttempt: 1000 } },
    })
  })
  afterAll(() => harness.close())
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
})
