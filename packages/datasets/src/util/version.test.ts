import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { DATASETS_NAME } from './version.ts'

it('the version that caches record is the one of the package', () => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  expect(DATASETS_NAME).toBe(`@trainyard/datasets ${(JSON.parse(text) as { version: string }).version}`)
})
