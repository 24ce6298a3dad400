import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ROOT } from './run.ts'

const PackageManifest = z.looseObject({
  name: z.string(),
  version: z.string(),
  private: z.boolean().default(false),
  exports: z.record(z.string(), z.unknown()).default({}),
  bin: z.record(z.string(), z.string()).default({}),
  dependencies: z.record(z.string(), z.string()).default({}),
})

const Export = z.looseObject({ default: z.string().optional() })

/** Programs that a package forks itself: built beside its index. */
const FORKED: Readonly<Record<string, Record<string, string>>> = {
  '@trainyard/datasets': { 'convert-worker': 'src/convert/parallel/convert-worker.ts' },
  '@trainyard/registry': {
    'layer-program': 'src/acceptance/scanners/layer-program.ts',
    worker: 'src/validation/worker.ts',
  },
  '@trainyard/runner': {
    'fill-program': 'src/dataset-cache/fill-program.ts',
    'result-program': 'src/datasets/results/result-program.ts',
    'settings-program': 'src/jobs/settings-program.ts',
  },
  '@trainyard/validator': { 'onnx-program': 'src/exports/onnx-program.ts' },
}

export interface WorkspacePackage {
  name: string
  version: string
  dir: string
  isPrivate: boolean
  /** Entry points: file in dist without its ending → source file. */
  entries: Record<string, string>
  /** Whether the declarations of the package use those of Node. */
  usesNodeTypes: boolean
}

/** Our packages in the order of the arrows: what others need comes first. */
function workspacePackages(): WorkspacePackage[] {
  const order = [
    'contract',
    'datasets',
    'client',
    'environments',
    'sdk',
    'platform',
    'runner',
    'validator',
    'registry',
    'cli',
    'testing',
  ]
  return readdirSync(join(ROOT, 'packages'))
    .toSorted((a, b) => order.indexOf(a) - order.indexOf(b))
    .map((folder) => {
      const dir = join(ROOT, 'packages', folder)
      const manifest = PackageManifest.parse(JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')))
      const outputs = [
        // An export without a built file is for this repository alone.
        ...Object.values(manifest.exports).flatMap((target) => Export.parse(target).default ?? []),
        ...Object.values(manifest.bin),
      ]
      const entries = Object.fromEntries(
        outputs.map((output) => {
          const name = output.replace(/^\.\/dist\//, '').replace(/\.js$/, '')
          return [name, `src/${name}.ts`]
        }),
      )
      return {
        name: manifest.name,
        version: manifest.version,
        dir,
        isPrivate: manifest.private,
        entries: { ...entries, ...FORKED[manifest.name] },
        usesNodeTypes: '@types/node' in manifest.dependencies,
      }
    })
}

/** Where `npm run build` leaves the packed packages. */
export const PACKS_DIR = join(ROOT, 'dist', 'packs')

/** Path of a packed package. */
export function packOf({ name, version }: Pick<WorkspacePackage, 'name' | 'version'>): string {
  return join(PACKS_DIR, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`)
}

export const publicPackages = (): WorkspacePackage[] => workspacePackages().filter((one) => !one.isPrivate)
