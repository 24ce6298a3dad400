import { join } from 'node:path'
import { build } from 'tsdown'
import type { WorkspacePackage } from './packages.ts'
import { ROOT } from './run.ts'

/**
 * Compiles one package as it is published. Private packages are bundled into those that need them, so that users install
 * one package; whatever else is needed must be a dependency: a library bundled by accident is an error.
 */
export async function buildPackage(target: WorkspacePackage, outDir = join(target.dir, 'dist')): Promise<void> {
  await build({
    cwd: target.dir,
    config: false,
    entry: target.entries,
    outDir,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    fixedExtension: false,
    tsconfig: join(ROOT, 'tsconfig.json'),
    inputOptions: {
      resolve: { conditionNames: ['trainyard-source', 'node', 'import', 'default'] },
      // Without comments about where each module begins: source maps tell.
      experimental: { attachDebugInfo: 'none' },
    },
    deps: { alwaysBundle: ['@trainyard/platform'], onlyBundle: ['@trainyard/platform'] },
    dts: true,
    // With the sources in them: stack traces (--enable-source-maps) and debuggers show TypeScript.
    sourcemap: true,
    // TypeScript includes the declarations of Node only where something refers to them.
    banner: target.usesNodeTypes ? { dts: '/// <reference types="node" />' } : {},
    // Editors read the comments of the declarations; in the programs they are a tenth of what is downloaded.
    outputOptions: { comments: { jsdoc: false, legal: true, annotation: true } },
    clean: true,
    logLevel: 'warn',
  })
}
