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
const LITERAL = /\.\.\.\{\s*[\w'"[.]/
const CONDITIONAL =
  /\.\.\.\([^()]*(?:\([^()]*\)[^()]*)*\?\s*\{\s*\}\s*:|\.\.\.\([^()]*(?:\([^()]*\)[^()]*)*\?[^?]*:\s*\{\s*\}\s*\)/

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

it.each([
  ['an object literal spread into a literal', LITERAL],
  ['a conditional spread with an empty object', CONDITIONAL],
])('no file contains %s', (_, pattern) => {
  expect(findSpreads(pattern).filter((found) => !found.startsWith('tests/literals'))).toEqual([])
})

it('finds both', () => {
  expect('insert({ ...{ id, name } })').toMatch(LITERAL)
  expect('send({ ...(a === undefined ? {} : { a }) })').toMatch(CONDITIONAL)
  expect('send({ ...(isSet(a) ? { a } : {}) })').toMatch(CONDITIONAL)
  expect('send({ ...options, ...(await read(path)) })').not.toMatch(CONDITIONAL)
})
