import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { END_REASONS, ErrorType, PROBLEMS } from '@trainyard/contract'
import { describe, expect, test } from 'vitest'

const docs = join(import.meta.dirname, '../docs')
const read = (path: string) => readFile(join(docs, path), 'utf8')

describe('the pages of problems', () => {
  test('every code has one, and no other page exists', async () => {
    const pages = (await readdir(join(docs, 'problems'))).map((name) => name.replace('.md', ''))
    expect(pages.sort()).toEqual([...Object.keys(PROBLEMS), 'README'].sort())
  })

  for (const [code, { status, retryable, title }] of Object.entries(PROBLEMS)) {
    test(`${code} has its title, status and whether a retry helps, on its page and in the list`, async () => {
      const retry = retryable ? 'may succeed later' : 'fails again'
      expect(await read(`problems/${code}.md`)).toContain(
        `# ${code}\n\n**${title}.** HTTP status ${status}; the same request ${retry}.`,
      )
      const row = `| [${code}](${code}.md) | ${status} | ${title} | ${retryable ? 'yes' : ''} |`
      expect(await read('problems/README.md')).toContain(row)
    })
  }
})

describe('troubleshooting', () => {
  const RETRY = { free: 'always', counted: 'within the limit', never: 'no' } as const

  test('explains each reason why a job ended, in the order of the contract, and whether it is retried', async () => {
    const rows = [
      ...(await read('troubleshooting.md')).matchAll(/^\| `([a-z_]+)` \| (always|within the limit|no) \|/gm),
    ]
    expect(rows.map(([, reason, retry]) => [reason, retry])).toEqual(
      Object.entries(END_REASONS).map(([reason, { retry }]) => [reason, RETRY[retry]]),
    )
  })

  test('explains each type of error that a trainer reports', async () => {
    const rows = [...(await read('troubleshooting.md')).matchAll(/^\| `([A-Z]\w+Error)` \|/gm)]
    expect(rows.map(([, type]) => type).sort()).toEqual([...ErrorType.options].sort())
  })
})
