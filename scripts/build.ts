/**
 * Builds every public package into its `dist` and packs it: `npm run build`.
 * Private rooms (`platform`) are bundled into the packages that need them, so that users install one package.
 */
import { copyFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'tsdown'
import { PACKS_DIR, publicPackages, type WorkspacePackage } from './lib/packages.ts'
import { pnpm, ROOT } from './lib/run.ts'

async function buildPackage(target: WorkspacePackage): Promise<void> {
  await build({
    cwd: target.dir,
    config: false,
    entry: target.entries,
    outDir: 'dist',
    format: 'esm',
    platform: 'node',
    target: 'node22',
    fixedExtension: false,
    tsconfig: join(ROOT, 'tsconfig.json'),
    inputOptions: { resolve: { conditionNames: ['trainyard-source', 'node', 'import', 'default'] } },
    // Whatever else is needed must be a dependency of the package: a library bundled by accident is an error.
    deps: { alwaysBundle: ['@trainyard/platform'], onlyBundle: ['@trainyard/platform'] },
    dts: true,
    // Editors read the comments of the declarations; in the programs they are a tenth of what is downloaded.
    outputOptions: { comments: { jsdoc: false, legal: true, annotation: true } },
    clean: true,
    logLevel: 'warn',
  })
  await copyFile(join(ROOT, 'LICENSE'), join(target.dir, 'LICENSE'))
}

async function pack(target: WorkspacePackage): Promise<void> {
  const { code, output } = await pnpm(['pack', '--pack-destination', PACKS_DIR], { cwd: target.dir, capture: true })
  if (code !== 0) throw new Error(`pnpm pack failed for ${target.name}:\n${output}`)
}

await rm(PACKS_DIR, { recursive: true, force: true })
await mkdir(PACKS_DIR, { recursive: true })
for (const target of publicPackages()) {
  await buildPackage(target)
  await pack(target)
  console.log(`built ${target.name}`)
}
