import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')

function* sourceFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (['node_modules', 'dist', 'fixtures', '.trainyard', 'golden'].includes(entry.name)) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* sourceFiles(path)
    else if (/\.tsx?$/.test(entry.name)) yield path
  }
}

/** Both switch off TypeScript's check for surplus keys, so that a misspelt property or column passes. */
const PATTERNS = {
  'an object literal spread into a literal': /\.\.\.\{\s*[\w'"[.]/,
  'a conditional spread with an empty object':
    /\.\.\.\([^()]*(?:\([^()]*\)[^()]*)*\?\s*\{\s*\}\s*:|\.\.\.\([^()]*(?:\([^()]*\)[^()]*)*\?[^?]*:\s*\{\s*\}\s*\)/,
}

function findSpreads(pattern: RegExp): string[] {
  return ['packages', 'scripts', 'bench', 'tests', 'trainers', 'examples'].flatMap((folder) =>
    [...sourceFiles(join(root, folder))].flatMap((file) => {
      const text = readFileSync(file, 'utf8')
      return [...text.matchAll(new RegExp(pattern, 'g'))].map(({ index }) => {
        const line = text.slice(0, index).split('\n').length
        return `${relative(root, file)}:${line}`
      })
    }),
  )
}

it.each(Object.entries(PATTERNS))('no file contains %s', (_, pattern) => {
  expect(findSpreads(pattern).filter((place) => !place.startsWith('tests/literals'))).toEqual([])
})

it('finds both', () => {
  const [literal, conditional] = Object.values(PATTERNS)
  expect('insert({ ...{ id, name } })').toMatch(literal)
  expect('send({ ...(a === undefined ? {} : { a }) })').toMatch(conditional)
  expect('send({ ...(isSet(a) ? { a } : {}) })').toMatch(conditional)
  expect('send({ ...options, ...(await read(path)) })').not.toMatch(conditional)
})
