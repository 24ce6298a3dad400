import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TrainerManifest } from '@trainyard/contract'
import { readDependencies } from '@trainyard/environments'
import { z } from 'zod'
import type { DoctorCheck } from './checks.ts'

const Ranges = z.record(z.string(), z.string()).optional()
const Pack = z.object({ dependencies: Ranges, devDependencies: Ranges })
const PackageLock = z.object({ packages: z.record(z.string(), z.unknown()) })
const OTHER_LOCKS = ['pnpm-lock.yaml', 'yarn.lock', 'bun.lock', 'npm-shrinkwrap.json']

/** Whether the packages of a project are installed, and its lock file is that of its package.json. Undefined without package.json. */
export async function checkLock(dir: string): Promise<DoctorCheck | undefined> {
  const name = 'Lock'
  const problem = (text: string, help = 'Run npm install'): DoctorCheck => ({ name, status: 'problem', text, help })
  const text = await readFile(join(dir, 'package.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const pack = Pack.parse(JSON.parse(text))
    const names = Object.keys({ ...pack.dependencies, ...pack.devDependencies })
    if (names.length === 0) return undefined
    const other = OTHER_LOCKS.find((file) => existsSync(join(dir, file)))
    const lock = await readFile(join(dir, 'package-lock.json'), 'utf8').catch(() => undefined)
    if (other === undefined && lock === undefined) return problem('package-lock.json does not exist')
    const changed = lock === undefined ? [] : findChanged(pack, PackageLock.parse(JSON.parse(lock)).packages[''])
    if (changed.length > 0)
      return problem(`package-lock.json has another version of ${changed.join(', ')} than package.json`)
    const missing = names.filter((each) => !existsSync(join(dir, 'node_modules', each)))
    if (missing.length > 0) return problem(`not installed: ${missing.slice(0, 5).join(', ')}`)
    return { name, status: 'ok', text: lock === undefined ? `${other}` : 'package-lock.json agrees with package.json' }
  } catch (error) {
    return problem(
      `package.json or package-lock.json is not valid (${error instanceof Error ? error.message.split('\n')[0] : error})`,
      'Correct it',
    )
  }
}

function findChanged(pack: z.infer<typeof Pack>, locked: unknown): string[] {
  const known = Pack.safeParse(locked).data ?? {}
  const before = { ...known.dependencies, ...known.devDependencies }
  return Object.entries({ ...pack.dependencies, ...pack.devDependencies })
    .filter(([name, range]) => before[name] !== range)
    .map(([name]) => name)
}

/** The packages of a Python environment. Undefined: the manifest declares none. */
export async function checkPythonPackages(dir: string, manifest: TrainerManifest): Promise<DoctorCheck | undefined> {
  if (manifest.runtime === undefined) return undefined
  const name = 'Packages'
  try {
    const { file, isHashed } = await readDependencies(dir, manifest.runtime, manifest.entrypoints)
    if (isHashed) return { name, status: 'ok', text: `${file}, with hashes` }
    const help =
      'The marketplace requires them: uv pip compile --universal --generate-hashes requirements.txt -o requirements.txt'
    return { name, status: 'ok', text: `${file}, without hashes`, help }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    return { name, status: 'problem', text, help: 'Correct "runtime" of trainer.json, or the file that it names' }
  }
}

/** The scripts that the entry points run: those of dist/ exist after a build. */
export function checkScripts(dir: string, { entrypoints }: TrainerManifest): DoctorCheck | undefined {
  const scripts = Object.values(entrypoints).flatMap((argv) =>
    (argv ?? []).filter((each) => /\.(?:[cm]?js|[cm]?ts|py)$/.test(each)),
  )
  const missing = [...new Set(scripts)].filter((script) => !script.startsWith('/') && !existsSync(join(dir, script)))
  if (missing.length === 0) return undefined
  const help = existsSync(join(dir, 'build.ts'))
    ? 'Run npm run build'
    : 'Write it, or correct the entry points of trainer.json'
  return { name: 'Programs', status: 'problem', text: `${missing.join(', ')} does not exist`, help }
}
