import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { run, tool } from './run.ts'

const InstalledManifest = z.looseObject({
  exports: z.record(z.string(), z.unknown()).default({}),
  dependencies: z.record(z.string(), z.string()).default({}),
  peerDependencies: z.record(z.string(), z.string()).default({}),
})

/** The ways to resolve modules that TypeScript users have. */
const MODES = [
  { module: 'node16', moduleResolution: 'node16' },
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
] as const

/** Types of Node, and those that only come with its declarations in most projects. */
const NODE_TYPES = /\bNodeJS\.|\bBuffer\b|\bAsyncDisposable\b|from ["']node:/

/**
 * Checks the declarations of installed packages as a strict TypeScript user sees them: each package must depend on the packages
 * that its declarations mention, and every entry point must compile without `skipLibCheck`.
 */
export async function checkDeclarations(projectDir: string, names: readonly string[]): Promise<void> {
  const problems: string[] = []
  const specifiers: string[] = []
  for (const name of names) {
    const dir = join(projectDir, 'node_modules', name)
    const manifest = InstalledManifest.parse(JSON.parse(await readFile(join(dir, 'package.json'), 'utf8')))
    specifiers.push(...Object.keys(manifest.exports).map((path) => name + path.slice(1)))
    const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
    problems.push(...(await findMissingDependencies(dir, dependencies)).map((missing) => `${name}: ${missing}`))
  }
  if (problems.length > 0)
    throw new Error(`Declarations need packages that are no dependencies:\n${problems.join('\n')}`)
  await compileConsumer(projectDir, specifiers)
}

async function findMissingDependencies(dir: string, dependencies: readonly string[]): Promise<string[]> {
  const files = await readdir(join(dir, 'dist'), { recursive: true })
  const missing = new Set<string>()
  for (const file of files.filter((each) => each.endsWith('.d.ts'))) {
    const text = await readFile(join(dir, 'dist', file), 'utf8')
    // Comments name packages too.
    const code = text.replace(/\/\*[\s\S]*?\*\//g, '')
    const imported = [...code.matchAll(/(?:\bfrom|\bimport\()\s*["']([^."'][^"']*)["']/g)].map(([, name = '']) => name)
    const needed = imported.filter((name) => !name.startsWith('node:')).map(packageOf)
    if (NODE_TYPES.test(code)) needed.push('@types/node')
    for (const name of needed) if (!dependencies.includes(name)) missing.add(`${file} needs ${name}`)
  }
  return [...missing]
}

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** Compiles a file that imports every entry point, with the TypeScript of this repository. */
async function compileConsumer(projectDir: string, specifiers: readonly string[]): Promise<void> {
  const lines = specifiers.map((specifier, index) => `export * as entry${index} from '${specifier}'\n`)
  await writeFile(join(projectDir, 'consumer.ts'), lines.join(''))
  for (const mode of MODES) {
    const config = join(projectDir, `tsconfig.${mode.moduleResolution}.json`)
    const compilerOptions = { ...mode, target: 'es2024', strict: true, skipLibCheck: false, noEmit: true }
    await writeFile(config, JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
    const { code } = await run(tool('tsc'), ['-p', config], { cwd: projectDir })
    if (code !== 0) throw new Error(`The declarations do not compile with moduleResolution ${mode.moduleResolution}`)
  }
  console.log(`${specifiers.length} entry points compile without skipLibCheck`)
}
