import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { builtinModules, createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { packTar } from 'modern-tar'
import { build } from 'tsdown'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** What a trainer pays for importing this package: exact figures, no times (those are in `bench/sdk.bench.ts`). */
const MAX_DEPENDENCIES = 4
const MAX_PACKED_BYTES = 300_000
const MAX_EAGER_BYTES = 20_000

const packageDir = fileURLToPath(new URL('..', import.meta.url))
const root = join(packageDir, '../..')
const manifest = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8')) as {
  exports: Record<string, { default: string }>
  bin: Record<string, string>
  dependencies: Record<string, string>
  scripts?: Record<string, string>
}

let dist: string
beforeAll(async () => {
  dist = mkdtempSync(join(tmpdir(), 'trainyard-dist-'))
  const outputs = [...Object.values(manifest.exports).map((one) => one.default), ...Object.values(manifest.bin)]
  const names = outputs.map((output) => output.replace(/^\.\/dist\//, '').replace(/\.js$/, ''))
  // As `npm run build` does it.
  await build({
    cwd: packageDir,
    config: false,
    entry: Object.fromEntries(names.map((name) => [name, `src/${name}.ts`])),
    outDir: dist,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    fixedExtension: false,
    tsconfig: join(root, 'tsconfig.json'),
    inputOptions: { resolve: { conditionNames: ['trainyard-source', 'node', 'import', 'default'] } },
    dts: true,
    outputOptions: { comments: { jsdoc: false, legal: true, annotation: true } },
    logLevel: 'silent',
  })
}, 120_000)
afterAll(() => rmSync(dist, { recursive: true, force: true }))

/** The files that an import of this one loads before it returns, and what they import from elsewhere. */
function followImports(entry: string): { files: string[]; foreign: string[] } {
  const files = new Set<string>()
  const foreign = new Set<string>()
  const visit = (file: string) => {
    if (files.has(file)) return
    files.add(file)
    const code = readFileSync(file, 'utf8')
    for (const [, specifier = ''] of code.matchAll(/^(?:import|export)\b[^;]*?from\s*["']([^"']+)["']/gm)) {
      if (specifier.startsWith('.')) visit(join(dirname(file), specifier))
      else foreign.add(specifier)
    }
    for (const [, specifier = ''] of code.matchAll(/^import\s*["']([^"']+)["']/gm)) {
      if (specifier.startsWith('.')) visit(join(dirname(file), specifier))
      else foreign.add(specifier)
    }
  }
  visit(entry)
  return { files: [...files], foreign: [...foreign] }
}

const isBuiltin = (name: string) => name.startsWith('node:') || builtinModules.includes(name)

describe('the built package', () => {
  it('loads little and nothing foreign when its core is imported: the rest is in chunks of its own', () => {
    const { files, foreign } = followImports(join(dist, 'index.js'))
    expect(foreign).toEqual([])
    expect(files.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThan(MAX_EAGER_BYTES)
    // What runs a job is there, one dynamic import away.
    const code = files.map((file) => readFileSync(file, 'utf8')).join('\n')
    const [, lazy = ''] = /import\(["'](\.\/run-operation[^"']*)["']\)/.exec(code) ?? []
    expect(existsSync(join(dist, lazy))).toBe(true)
  })

  it('imports nothing that its package.json does not name', () => {
    const named = Object.keys(manifest.dependencies)
    const sources = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'))
    const imported = sources
      .flatMap((file) => followImports(join(dist, file)).foreign)
      .filter((name) => !isBuiltin(name))
      .map((name) =>
        name
          .split('/')
          .slice(0, name.startsWith('@') ? 2 : 1)
          .join('/'),
      )
    expect([...new Set(imported)].filter((name) => !named.includes(name))).toEqual([])
  })

  it('never ends the process: that is for the trainer to do', () => {
    const sources = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'))
    const enders = sources.filter((file) =>
      /process\.(exit|abort|reallyExit)\(/.test(readFileSync(join(dist, file), 'utf8')),
    )
    expect(enders).toEqual([])
  })

  it('is small when packed', async () => {
    const files = readdirSync(dist, { recursive: true, withFileTypes: true }).filter((item) => item.isFile())
    const paths = files.map((item) => join(item.parentPath, item.name))
    const others = [join(packageDir, 'package.json'), join(packageDir, 'README.md'), join(root, 'LICENSE')]
    const bytes = await packTar(
      [...paths, ...others].map((path) => {
        const body = readFileSync(path)
        return { header: { name: `package/${path.replace(`${dist}/`, 'dist/')}`, size: body.length }, body }
      }),
    )
    expect(gzipSync(bytes).length).toBeLessThan(MAX_PACKED_BYTES)
  })
})

describe('what is installed with the package', () => {
  it('is at most four packages, none native, none with install scripts, whatever they depend on', () => {
    expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(MAX_DEPENDENCIES)
    expect(Object.keys(manifest.scripts ?? {}).filter((name) => /install|prepare/.test(name))).toEqual([])
    const seen = new Map<string, string[]>()
    const visit = (name: string, from: string) => {
      if (seen.has(name)) return
      const dir = findPackage(name, from)
      const found = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as typeof manifest & {
        gypfile?: boolean
      }
      const native = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((file) =>
        /\.node$|binding\.gyp$/.test(file),
      )
      const scripts = Object.keys(found.scripts ?? {}).filter((script) => /^(pre|post)?install$/.test(script))
      seen.set(name, [...native, ...scripts])
      for (const dependency of Object.keys(found.dependencies ?? {})) visit(dependency, dir)
    }
    for (const name of Object.keys(manifest.dependencies)) visit(name, packageDir)
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
