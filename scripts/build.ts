/**
 * Builds every public package into its `dist` and packs it: `npm run build`.
 * Private packages (`platform`) are bundled into the packages that need them, so that users install one package.
 */
import { copyFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWorkflowBundle } from '../packages/runner/src/orchestrators/temporal/workflow-bundle.ts'
import { buildPackage } from './lib/build-package.ts'
import { checkLicence } from './lib/check-licence.ts'
import { PACKS_DIR, packOf, publicPackages, type WorkspacePackage } from './lib/packages.ts'
import { pnpm, ROOT } from './lib/run.ts'

async function pack(target: WorkspacePackage): Promise<void> {
  await copyFile(join(ROOT, 'LICENSE'), join(target.dir, 'LICENSE'))
  const { code, output } = await pnpm(['pack', '--pack-destination', PACKS_DIR], { cwd: target.dir, capture: true })
  if (code !== 0) throw new Error(`pnpm pack failed for ${target.name}:\n${output}`)
  await checkLicence(packOf(target))
}

await rm(PACKS_DIR, { recursive: true, force: true })
await mkdir(PACKS_DIR, { recursive: true })
for (const target of publicPackages()) {
  await buildPackage(target)
  // Takes several seconds: a runner that starts with Temporal finds it made.
  if (target.name === '@trainyard/runner') await writeWorkflowBundle(join(target.dir, 'dist', 'temporal-workflow.js'))
  await pack(target)
  console.log(`built ${target.name}`)
}
