import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { builtinModules, createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { packTar } from 'modern-tar'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildPackage } from '../../scripts/lib/build-package.ts'
import { publicPackages } from '../../scripts/lib/packages.ts'

/** What a trainer pays for the SDK and the packages of ours that it needs: exact figures, no times (see `bench/sdk.bench.ts`). */
const MAX_DEPENDENCIES = 6
const MAX_PACKED_BYTES = 300_000
/** The datasets package reads 18 formats. */
const MAX_PACKED_TOGETHER = 350_000
const MAX_EAGER_BYTES = 20_000
const NAMES = ['@trainyard/contract', '@trainyard/datasets', '@trainyard/sdk'] as const

const root = join(import.meta.dirname, '../..')
const packages = publicPackages().filter(({ name }) => NAMES.some((each) => each === name))

interface Manifest {
  dependencies?: Record<string, string>
  scripts?: Record<string, string>
}
const readManifest = (dir: string) => JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as Manifest

let built: string
const distOf = (name: string) => join(built, name, 'dist')

beforeAll(async () => {
  built = mkdtempSync(join(tmpdir(), 'trainyard-dist-'))
  for (const each of packages) {
    mkdirSync(distOf(each.name), { recursive: true })
    await buildPackage(each, distOf(each.name))
  }
}, 240_000)
afterAll(() => rmSync(built, { recursive: true, force: true }))

const scriptsOf = (name: string): string[] =>
  readdirSync(distOf(name), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.js'))
    .map((file) => join(distOf(name), file))

/** The files that an import of this one loads before it returns, and what they import from elsewhere. */
function followImports(entry: string): { files: string[]; foreign: string[] } {
  const files = new Set<string>()
  const foreign = new Set<string>()
  const visit = (file: string) => {
    if (files.has(file)) return
    files.add(file)
    const code = readFileSync(file, 'utf8')
    for (const pattern of [/^(?:import|export)\b[^;]*?from\s*["']([^"']+)["']/gm, /^import\s*["']([^"']+)["']/gm]) {
      for (const [, specifier = ''] of code.matchAll(pattern)) {
        if (specifier.startsWith('.')) visit(join(dirname(file), specifier))
        else if (specifier === '@trainyard/contract/trainer-errors') {
          visit(join(distOf('@trainyard/contract'), 'trainer-errors.js'))
        } else foreign.add(specifier)
      }
    }
  }
  visit(entry)
  return { files: [...files], foreign: [...foreign] }
}

const dynamicImports = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/\bimport\(["'`]([^"'`.][^"'`]*)["'`]\)/g)].map(
    ([, specifier = '']) => specifier,
  )

const isBuiltin = (name: string) => name.startsWith('node:') || builtinModules.includes(name)
const packageOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

describe('the built packages of a trainer', () => {
  it('load little and nothing foreign when the core is imported: the rest is in chunks of its own', () => {
    const { files, foreign } = followImports(join(distOf('@trainyard/sdk'), 'index.js'))
    expect(foreign).toEqual([])
    expect(files.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThan(MAX_EAGER_BYTES)
    // What runs a job is one dynamic import away.
    const code = files.map((file) => readFileSync(file, 'utf8')).join('\n')
    const [, lazy = ''] = /import\(["'](\.\/run-operation[^"']*)["']\)/.exec(code) ?? []
    expect(existsSync(join(distOf('@trainyard/sdk'), lazy))).toBe(true)
  })

  it.each(packages)('$name imports nothing that its package.json does not name', ({ name, dir }) => {
    const named = Object.keys(readManifest(dir).dependencies ?? {})
    // A bundler resolves `import('name')` too, so that an optional package must not be imported like that.
    const imported = scriptsOf(name)
      .flatMap((file) => [...followImports(file).foreign, ...dynamicImports(file)])
      .filter((specifier) => !isBuiltin(specifier))
      .map(packageOf)
    expect([...new Set(imported)].filter((each) => !named.includes(each))).toEqual([])
  })

  it('never end the process: that is for the trainer to do', () => {
    const enders = NAMES.flatMap(scriptsOf).filter((file) =>
      /process\.(exit|abort|reallyExit)\(/.test(readFileSync(file, 'utf8')),
    )
    expect(enders).toEqual([])
  })

  it('are small when packed without their source maps, each and all three together', async () => {
    let total = 0
    for (const { name, dir } of packages) {
      // A server that starts a trainer reads no map; a debugger does.
      const dist = readdirSync(distOf(name), { recursive: true, withFileTypes: true }).filter(
        (item) => item.isFile() && !item.name.endsWith('.map'),
      )
      const paths = dist.map((item) => join(item.parentPath, item.name))
      const others = [join(dir, 'package.json'), join(dir, 'README.md'), join(root, 'LICENSE')]
      const bytes = await packTar(
        [...paths, ...others].map((path) => {
          const body = readFileSync(path)
          return { header: { name: `package/${path.replace(distOf(name), 'dist')}`, size: body.length }, body }
        }),
      )
      const { length } = gzipSync(bytes)
      expect(length, name).toBeLessThan(MAX_PACKED_BYTES)
      total += length
    }
    expect(total).toBeLessThan(MAX_PACKED_TOGETHER)
  })
})

describe('what is installed with the SDK', () => {
  it('is at most six packages, none native, none with install scripts, whatever they depend on', () => {
    const seen = new Map<string, string[]>()
    const visit = (name: string, from: string) => {
      if (seen.has(name)) return
      const dir = findPackage(name, from)
      const isOurs = name.startsWith('@trainyard/')
      const files = isOurs ? [] : readdirSync(dir, { recursive: true, encoding: 'utf8' })
      const native = files.filter((file) => /\.node$|binding\.gyp$/.test(file))
      const { scripts = {}, dependencies = {} } = readManifest(dir)
      seen.set(name, [...native, ...Object.keys(scripts).filter((one) => /^(pre|post)?(install|prepare)$/.test(one))])
      for (const dependency of Object.keys(dependencies)) visit(dependency, dir)
    }
    const sdk = join(root, 'packages/sdk')
    for (const name of Object.keys(readManifest(sdk).dependencies ?? {})) visit(name, sdk)
    expect(seen.size).toBeLessThanOrEqual(MAX_DEPENDENCIES)
    expect(Object.fromEntries([...seen].filter(([, troubles]) => troubles.length > 0))).toEqual({})
  })
})

/** The folder of an installed package. Its package.json need not be exported, so that its entry is where the search begins. */
function findPackage(name: string, from: string): string {
  const paths = createRequire(join(from, 'package.json')).resolve.paths(name) ?? []
  const dir = paths.map((path) => join(path, name)).find((path) => existsSync(join(path, 'package.json')))
  if (dir === undefined) throw new Error(`${name} is not installed`)
  return dir
}
