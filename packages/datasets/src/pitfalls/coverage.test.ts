import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const COUNT = 48
const files = readdirSync(import.meta.dirname)
  .filter((name) => /^\d\d-[a-z0-9-]+\.test\.ts$/.test(name))
  .sort()

function titlesOf(name: string): string[] {
  const text = readFileSync(join(import.meta.dirname, name), 'utf8')
  return [...text.matchAll(/(['"`])pitfall (\d\d): ((?:(?!\1).)*)\1/g)].map(
    ([, , number = '', title = '']) => `${number} ${title}`,
  )
}

it('every known pitfall has a golden test', () => {
  const numbers = new Set(files.map((name) => Number(name.slice(0, 2))))
  const missing = Array.from({ length: COUNT }, (_, index) => index + 1).filter((number) => !numbers.has(number))
  expect(missing).toEqual([])
})

it('every file has tests of its own pitfall only', () => {
  for (const name of files) {
    const titles = titlesOf(name)
    expect(titles.length, name).toBeGreaterThan(0)
    for (const title of titles) expect(title.slice(0, 2), name).toBe(name.slice(0, 2))
  }
})

// Written again with --update.
it('the documentation lists them', async () => {
  const rows = files.map((name) => {
    const titles = titlesOf(name)
    // A complete title, rather than one with placeholders.
    const title = (titles.find((text) => !/%[a-z]/.test(text)) ?? titles[0] ?? '').slice(3)
    return `| ${Number(name.slice(0, 2))} | ${title.replace(/%[a-z]/g, '…').replaceAll('|', '\\|')} | [${name}](../packages/datasets/src/pitfalls/${name}) |`
  })
  const page = [
    '# Dataset pitfalls and their tests',
    '',
    'Generated from the titles of the tests by `npx vitest run --project unit packages/datasets/src/pitfalls/coverage.test.ts --update`.',
    '',
    '| pitfall | what is tested | test |',
    '| ------: | -------------- | ---- |',
    ...rows,
    '',
  ].join('\n')
  await expect(page).toMatchFileSnapshot('../../../../docs/dataset-pitfalls.md')
})
