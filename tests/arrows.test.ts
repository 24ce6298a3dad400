import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

/** What each room may import of ours: the arrows of docs/architecture.md. Anything else is refused. */
const ALLOWED: Record<string, readonly string[]> = {
  'packages/sdk/src/contract': [],
  'packages/sdk': ['@trainyard/sdk/contract'],
  'packages/platform': ['@trainyard/sdk/contract'],
  'packages/runner': [
    '@trainyard/platform',
    '@trainyard/sdk/contract',
    '@trainyard/sdk/dataset',
    '@trainyard/sdk/cache',
  ],
  'packages/validator': ['@trainyard/runner', '@trainyard/platform', '@trainyard/sdk/contract'],
  'packages/registry': ['@trainyard/validator', '@trainyard/runner', '@trainyard/platform', '@trainyard/sdk/contract'],
  'packages/web': ['@trainyard/sdk/client', '@trainyard/sdk/contract'],
  trainers: ['@trainyard/sdk'],
  examples: ['@trainyard/sdk'],
}

/** What a test of a room may use besides. */
const ALLOWED_IN_TESTS: Record<string, readonly string[]> = {
  'packages/sdk': ['@trainyard/registry', '@trainyard/runner', '@trainyard/platform'],
}

function* sourceFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (['node_modules', 'dist', 'fixtures', '.trainyard'].includes(entry.name)) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* sourceFiles(path)
    else if (/\.(ts|tsx|mjs|js)$/.test(entry.name)) yield path
  }
}

function importsOf(file: string): string[] {
  // Doc comments show how a room is imported; they import nothing.
  const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"\n]+)['"]/g)].map((match) => match[1] ?? '')
}

const within = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)
const matches = (specifier: string, allowed: string): boolean =>
  specifier === allowed || specifier.startsWith(`${allowed}/`)

function forbiddenImports(room: string, allowed: readonly string[]): string[] {
  const found: string[] = []
  for (const file of sourceFiles(join(root, room))) {
    const from = relative(root, file)
    // The contract has a stricter row of its own.
    if (room === 'packages/sdk' && within(from, 'packages/sdk/src/contract')) continue
    const test = /\.(test|cases)\.tsx?$|\/testing\//.test(from)
    const permitted = [...allowed, ...(test ? (ALLOWED_IN_TESTS[room] ?? []) : [])]
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith('@trainyard/')) {
        if (!permitted.some((name) => matches(specifier, name))) found.push(`${from} imports ${specifier}`)
      } else if (specifier.startsWith('.')) {
        const target = relative(root, join(dirname(file), specifier))
        const home = room.startsWith('packages/') ? room : from.split('/').slice(0, 2).join('/')
        if (!within(target, home)) found.push(`${from} reaches into ${target}`)
      }
    }
  }
  return found
}

describe('the arrows between rooms point down', () => {
  for (const [room, allowed] of Object.entries(ALLOWED)) {
    test(`${room} imports only ${allowed.length === 0 ? 'itself' : allowed.join(', ')}`, () => {
      expect(forbiddenImports(room, allowed)).toEqual([])
    })
  }

  test('the check sees imports at all', () => {
    expect(importsOf(join(root, 'tests/arrows.test.ts'))).toContain('vitest')
    expect(forbiddenImports('tests', []).join()).toContain('imports @trainyard/sdk/client')
    expect([...sourceFiles(join(root, 'packages/sdk/src/contract'))].length).toBeGreaterThan(5)
  })
})
