import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

/** Everything that a file imports, directly or through other files of this package. */
function importsOf(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return []
  seen.add(file)
  const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
  return [...text.matchAll(/\bfrom '([^']+)'/g)].flatMap(([, specifier = '']) =>
    specifier.startsWith('.') ? importsOf(join(dirname(file), specifier), seen) : [specifier],
  )
}

test('the index imports nothing of Node.js, so that it runs in browsers too', () => {
  expect([...new Set(importsOf(join(import.meta.dirname, 'index.ts')))].sort()).toEqual(['@trainyard/contract', 'zod'])
  expect(importsOf(join(import.meta.dirname, 'files.ts'))).toContain('node:fs')
})
