import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const SERVERS = ['platform', 'runner', 'registry', 'validator', 'web']

/** Ways to read a whole body, or to parse what a stranger sent. */
const READING =
  /\breq(?:uest)?(?:\.raw)?\.(?:json|text|arrayBuffer|bytes|blob|formData|parseBody)\(|\bgunzipSync\(|\bbrotliDecompress/g
/** The gate itself; what comes after it; and streams that are stored without being parsed. */
const ALLOWED: Readonly<Record<string, string>> = {
  'packages/platform/src/http/read-body.ts': 'the gate',
  'packages/web/src/pushes': 'behind `formGate`, which `createWeb` puts in front of every form',
  'packages/web/src/trainers/manage-routes.tsx': 'behind `formGate`, which `createWeb` puts in front of every form',
  'packages/registry/src/acceptance/scanners/list-layer.ts':
    'files of a layer, whose sizes were limited while it was read',
  'packages/web/src/new-job/routes.tsx': 'behind `formGate`, which `createWeb` puts in front of every form',
  'packages/web/src/jobs/action-routes.ts': 'behind `formGate`, which `createWeb` puts in front of every form',
  'packages/web/src/jobs/compare-routes.tsx': 'behind `formGate`, which `createWeb` puts in front of every form',
  'packages/web/src/predict/routes.tsx':
    'behind `formGate`, after the runner has shown the job to who sends the picture',
  'packages/web/src/language-routes.ts': 'behind `formGate`, which `createWeb` puts in front of every form',
  'packages/web/src/ownership/routes.tsx': 'behind `formGate`, which `createWeb` puts in front of every form',
  'packages/web/src/reviews/routes.tsx': 'behind `formGate`, which `createWeb` puts in front of every form',
  'packages/web/src/webhooks/routes.tsx': 'behind `formGate`, which `createWeb` puts in front of every form',
  'packages/web/src/publishers/routes.tsx': 'behind `formGate`, which `createWeb` puts in front of every form',
  'packages/web/src/people': 'behind `formGate`, which `createWeb` puts in front of every form',
}

function* sourceFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (['node_modules', 'dist', 'fixtures', 'testing'].includes(entry.name)) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* sourceFiles(path)
    else if (/\.tsx?$/.test(entry.name) && !/\.(test|cases)\.tsx?$/.test(entry.name)) yield path
  }
}

function readers(): string[] {
  return SERVERS.flatMap((name) => [...sourceFiles(join(root, 'packages', name, 'src'))])
    .filter((file) => readFileSync(file, 'utf8').match(READING) !== null)
    .map((file) => relative(root, file))
}

it('bodies are read through the gate alone, which measures them first', () => {
  expect(readers().filter((file) => !Object.keys(ALLOWED).some((allowed) => file.startsWith(allowed)))).toEqual([])
})

it('every exception still reads bodies', () => {
  for (const allowed of Object.keys(ALLOWED)) expect(readers().some((file) => file.startsWith(allowed))).toBe(true)
})
