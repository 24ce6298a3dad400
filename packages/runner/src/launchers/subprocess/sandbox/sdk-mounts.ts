import { existsSync, lstatSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { Mount } from './mounts.ts'

const Package = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
})

/** The SDK, through which trainers in other languages are started, and every package that it can import. Nothing else of them. */
export function sdkMounts(): Mount[] {
  const entry = realpathSync(createRequire(import.meta.url).resolve('@trainyard/sdk/exec'))
  const root = packageRoot(entry)
  const mounts: Mount[] = []
  const waiting = root === undefined ? [] : [root]
  const seen = new Set<string>()
  for (let dir = waiting.pop(); dir !== undefined; dir = waiting.pop()) {
    if (seen.has(dir)) continue
    seen.add(dir)
    mounts.push({ type: 'bind', from: dir, to: dir, isWritable: false })
    for (const name of dependenciesOf(dir)) {
      const link = findPackage(dir, name)
      if (link === undefined) continue
      const target = realpathSync(link)
      // Package managers link packages into the folders of those that import them.
      if (lstatSync(link).isSymbolicLink()) mounts.push({ type: 'symlink', path: link, target })
      waiting.push(target)
    }
  }
  return mounts
}

function dependenciesOf(dir: string): string[] {
  const { dependencies, optionalDependencies } = Package.parse(
    JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')),
  )
  return [...Object.keys(dependencies), ...Object.keys(optionalDependencies)]
}

function packageRoot(file: string): string | undefined {
  for (let dir = dirname(file); dirname(dir) !== dir; dir = dirname(dir))
    if (existsSync(join(dir, 'package.json'))) return dir
  return undefined
}

/** As Node searches for it. */
function findPackage(from: string, name: string): string | undefined {
  for (let dir = from; ; dir = dirname(dir)) {
    const candidate = join(dir, 'node_modules', name)
    if (existsSync(candidate)) return candidate
    if (dirname(dir) === dir) return undefined
  }
}
