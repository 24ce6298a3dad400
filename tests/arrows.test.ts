import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

/** What each package may import of ours: the arrows of docs/architecture.md. Anything else is refused. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  contract: [],
  datasets: ['contract'],
  client: ['contract'],
  sdk: ['datasets', 'contract'],
  environments: ['contract'],
  platform: ['contract'],
  runner: ['platform', 'datasets', 'environments', 'contract'],
  validator: ['runner', 'platform', 'environments', 'contract'],
  registry: ['validator', 'runner', 'platform', 'datasets', 'contract'],
  web: ['client', 'platform', 'contract'],
  cli: ['sdk', 'client', 'datasets', 'environments', 'validator', 'contract'],
  testing: ['runner', 'client', 'datasets', 'contract'],
}

interface SourceFile {
  /** From the repository's root, with `/`. */
  path: string
  imports: string[]
}

function* sourceFiles(folder: string): Generator<SourceFile> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (['node_modules', 'dist', 'fixtures', '.trainyard'].includes(entry.name)) continue
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) yield* sourceFiles(path)
    else if (/\.(ts|tsx|mjs|js)$/.test(entry.name)) yield { path, imports: importsOf(path) }
  }
}

/** Everything a file names in an import, a re-export or a dynamic import, types included. */
function importsOf(path: string): string[] {
  // Doc comments show how a package is imported; they import nothing.
  const text = readFileSync(join(root, path), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"\n]+)['"]/g)].map((match) => match[1] ?? '')
}

/** Tests and what only they use. No product code may import them, so they may import any package by its name. */
const isForTests = (path: string): boolean => /\.(test|cases)\.tsx?$|\/(testing|fixtures|peers|pitfalls)\//.test(path)
const packageOf = (specifier: string): string | undefined => /^@trainyard\/([a-z-]+)/.exec(specifier)?.[1]
const within = (path: string, folder: string): boolean => path.startsWith(`${folder}/`)
const targetOf = (file: SourceFile, specifier: string): string =>
  relative(root, join(root, dirname(file.path), specifier))

function forbiddenImports(folder: string, allowed: readonly string[]): string[] {
  const found: string[] = []
  for (const file of sourceFiles(folder)) {
    for (const specifier of file.imports) {
      const target = packageOf(specifier)
      if (target !== undefined) {
        if (!isForTests(file.path) && !allowed.includes(target)) found.push(`${file.path} imports ${specifier}`)
      } else if (specifier.startsWith('.') && !within(targetOf(file, specifier), folder)) {
        found.push(`${file.path} reaches into ${targetOf(file, specifier)}`)
      }
    }
  }
  return found
}

/** The place of a file below `base`: its folder there, or the file itself where it lies in none. */
function placeOf(path: string, base: string): string {
  const [first = '', ...rest] = path.slice(base.length + 1).split('/')
  return rest.length === 0 ? first : `${first}/`
}

/** Imports between the places below `base`, each with one example. */
function readGraph(base: string): Map<string, Map<string, string>> {
  const graph = new Map<string, Map<string, string>>()
  for (const file of sourceFiles(base)) {
    if (isForTests(file.path)) continue
    const from = placeOf(file.path, base)
    for (const specifier of file.imports) {
      if (!specifier.startsWith('.')) continue
      const target = targetOf(file, specifier)
      if (!within(target, base) || isForTests(target)) continue
      const to = placeOf(target, base)
      if (from === to) continue
      const edges = graph.get(from) ?? new Map<string, string>()
      if (!edges.has(to)) edges.set(to, `${file.path.slice(base.length + 1)} → ${target.slice(base.length + 1)}`)
      graph.set(from, edges)
    }
  }
  return graph
}

/** Places that can be reached from each other, with an import for each step of one way round. */
function findCircles(graph: Map<string, Map<string, string>>): string[] {
  const circles: string[] = []
  const done = new Set<string>()
  const visit = (place: string, trail: readonly string[]): void => {
    const at = trail.indexOf(place)
    if (at >= 0) {
      const circle = [...trail.slice(at), place]
      const steps = circle.slice(1).map((to, index) => graph.get(circle[index] ?? '')?.get(to))
      circles.push(`${circle.join(' → ')}\n    ${steps.join('\n    ')}`)
      return
    }
    if (done.has(place)) return
    for (const next of graph.get(place)?.keys() ?? []) visit(next, [...trail, place])
    done.add(place)
  }
  for (const place of graph.keys()) visit(place, [])
  return circles
}

function* foldersOf(folder: string): Generator<string> {
  yield folder
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (entry.isDirectory() && !['fixtures', 'testing', 'golden'].includes(entry.name)) {
      yield* foldersOf(`${folder}/${entry.name}`)
    }
  }
}

describe('the arrows between packages point down', () => {
  test('every package has its row', () => {
    expect(readdirSync(join(root, 'packages')).toSorted()).toEqual(Object.keys(ALLOWED).toSorted())
  })

  for (const [name, allowed] of Object.entries(ALLOWED)) {
    test(`${name} imports only ${allowed.length === 0 ? 'itself' : allowed.join(', ')}`, () => {
      expect(forbiddenImports(`packages/${name}`, [name, ...allowed])).toEqual([])
    })
  }

  for (const folder of ['trainers', 'examples']) {
    for (const { name } of readdirSync(join(root, folder), { withFileTypes: true }).filter((one) => one.isDirectory()))
      test(`${folder}/${name} imports only the SDK`, () => {
        expect(forbiddenImports(`${folder}/${name}`, ['sdk'])).toEqual([])
      })
  }
})

describe('the folders of a package form no circle, types included', () => {
  for (const name of Object.keys(ALLOWED)) {
    test(name, () => {
      const circles = [...foldersOf(`packages/${name}/src`)].flatMap((folder) =>
        findCircles(readGraph(folder)).map((circle) => `${folder}: ${circle}`),
      )
      expect(circles.join('\n')).toBe('')
    })
  }
})

test('the check sees imports at all', () => {
  expect(importsOf('tests/arrows.test.ts')).toContain('vitest')
  expect(forbiddenImports('scripts', []).join()).toContain('imports @trainyard/runner')
  expect(readGraph('packages/runner/src').get('app.ts')?.has('jobs/')).toBe(true)
  const circle = new Map([
    ['a/', new Map([['b/', 'a/x.ts → b/y.ts']])],
    ['b/', new Map([['a/', 'b/z.ts → a/x.ts']])],
  ])
  expect(findCircles(circle)).toEqual(['a/ → b/ → a/\n    a/x.ts → b/y.ts\n    b/z.ts → a/x.ts'])
})
