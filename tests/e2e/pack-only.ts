/** Packs the public packages without building them: they have their manifests and changelogs, but no programs. */
import { mkdir } from 'node:fs/promises'
import { PACKS_DIR, publicPackages } from '../../scripts/lib/packages.ts'
import { pnpm } from '../../scripts/lib/run.ts'

await mkdir(PACKS_DIR, { recursive: true })
for (const { dir, name } of publicPackages()) {
  const { code, output } = await pnpm(['pack', '--pack-destination', PACKS_DIR], { cwd: dir, capture: true })
  if (code !== 0) throw new Error(`pnpm pack failed for ${name}:\n${output}`)
}
