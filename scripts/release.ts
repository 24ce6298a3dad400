/**
 * `npm run release`: publishes the packed packages of `dist/packs` that npm does not have yet, what others need first.
 * It can be run again after a failure: what was published is passed over. `-- --dry-run` publishes nothing;
 * `-- --provenance` signs where each package was built (in the release workflow).
 */
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { packOf, publicPackages } from './lib/packages.ts'
import { run } from './lib/run.ts'

const { values: flags } = parseArgs({
  options: { 'dry-run': { type: 'boolean', default: false }, provenance: { type: 'boolean', default: false } },
})

/** Whether npm has this version. Anything but "found" and "not found" ends the release. */
async function isPublished(name: string, version: string): Promise<boolean> {
  const { code, output } = await run('npm', ['view', `${name}@${version}`, 'version', '--json'], { capture: true })
  if (code === 0) return output.includes(version)
  if (output.includes('E404')) return false
  throw new Error(`npm view failed for ${name}@${version}:\n${output}`)
}

const flagsOfNpm = [...(flags['dry-run'] ? ['--dry-run'] : []), ...(flags.provenance ? ['--provenance'] : [])]
for (const { name, version } of publicPackages()) {
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
