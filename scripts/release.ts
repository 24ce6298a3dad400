/**
 * `npm run release`: publishes the packed packages of `dist/packs` that npm does not have yet, what others need first.
 * It can be run again after a failure: what was published is passed over. `-- --dry-run` publishes nothing, and takes the packages
 * as they were packed, also with the next version; `-- --provenance` signs where each package was built (in the release workflow).
 */
import { existsSync, readdirSync } from 'node:fs'
import { PACKS_DIR, packOf, publicPackages } from './lib/packages.ts'
import { readFlags } from './lib/read-flags.ts'
import { run } from './lib/run.ts'

const flags = readFlags(import.meta.url, {
  'dry-run': { type: 'boolean', default: false },
  provenance: { type: 'boolean', default: false },
})

/** Whether npm has this version. Anything but "found" and "not found" ends the release. */
async function isPublished(name: string, version: string): Promise<boolean> {
  const { code, output } = await run('npm', ['view', `${name}@${version}`, 'version', '--json'], { capture: true })
  if (code === 0) return output.includes(version)
  if (output.includes('E404')) return false
  throw new Error(`npm view failed for ${name}@${version}:\n${output}`)
}

/** The version of the only pack of a package. */
function packedVersion(name: string): string | undefined {
  const [start = '', end = ''] = packOf({ name, version: '*' })
    .slice(PACKS_DIR.length + 1)
    .split('*')
  const packs = readdirSync(PACKS_DIR).filter((file) => /^\d/.test(file.slice(start.length)) && file.startsWith(start))
  return packs.length === 1 ? packs[0]?.slice(start.length, -end.length) : undefined
}

const flagsOfNpm = [...(flags['dry-run'] ? ['--dry-run'] : []), ...(flags.provenance ? ['--provenance'] : [])]
for (const { name, version: current } of publicPackages()) {
  const version = (flags['dry-run'] && packedVersion(name)) || current
  const pack = packOf({ name, version })
  if (!existsSync(pack)) throw new Error(`${pack} does not exist: run npm run build`)
  if (await isPublished(name, version)) {
    console.log(`${name}@${version} is published`)
    continue
  }
  const { code, output } = await run('npm', ['publish', pack, '--access', 'public', ...flagsOfNpm], { capture: true })
  if (code !== 0) throw new Error(`npm publish failed for ${name}@${version}:\n${output}`)
  console.log(`${name}@${version} ${flags['dry-run'] ? 'would be published' : 'published'}`)
}
