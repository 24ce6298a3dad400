import { join } from 'node:path'
import { build } from 'tsdown'
import { ROOT } from './run.ts'

/**
 * Builds a program of the benches or tests as it would be published, in JavaScript: Node takes half a second of CPU and 40 MB to strip
 * types, in each thread. `entries` maps names to sources in the repository; gives the folder of `NAME.js`.
 */
export async function buildProgram(entries: Readonly<Record<string, string>>, outDir: string): Promise<string> {
  await build({
    config: false,
    entry: Object.fromEntries(Object.entries(entries).map(([name, source]) => [name, join(ROOT, source)])),
    outDir,
    format: 'esm',
    platform: 'node',
    fixedExtension: false,
    noExternal: [/./],
    inputOptions: { resolve: { conditionNames: ['trainyard-source', 'node', 'import', 'default'] } },
    logLevel: 'silent',
  })
  return outDir
}
