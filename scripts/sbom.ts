/**
 * `npm run sbom`: writes what each published package brings with it to `dist/sbom/NAME-VERSION.cdx.json`, as CycloneDX
 * 1.6 (https://cyclonedx.org/docs/1.6/json/). Read from the lock file, so it needs no network.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { publicPackages } from './lib/packages.ts'
import { pnpm, ROOT } from './lib/run.ts'

const SBOM_DIR = join(ROOT, 'dist', 'sbom')

await rm(SBOM_DIR, { recursive: true, force: true })
await mkdir(SBOM_DIR, { recursive: true })
for (const { name } of publicPackages()) {
  const file = join(SBOM_DIR, `${name.replace('@', '').replace('/', '-')}-%v.cdx.json`)
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-spec-version', '1.6', '--prod', '--filter', name]
  const { code, output } = await pnpm([...args, '--out', file], { capture: true })
  if (code !== 0) throw new Error(`pnpm sbom failed for ${name}:\n${output}`)
  console.log(`described ${name}`)
}
