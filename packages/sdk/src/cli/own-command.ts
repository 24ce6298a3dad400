import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** How to start this very command line again, wherever the build has put this file. */
export function ownCommand(): [program: string, ...args: string[]] {
  const contract = createRequire(import.meta.url).resolve('@trainyard/sdk/contract')
  const isSource = contract.endsWith('.ts')
  const main = join(dirname(contract), '..', 'cli', isSource ? 'main.ts' : 'main.js')
  return [process.execPath, ...(isSource ? ['--conditions=trainyard-source'] : []), main]
}
