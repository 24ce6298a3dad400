import { fileURLToPath } from 'node:url'

/** How to start this very command line again, wherever the build has put this file. */
export function ownCommand(): [program: string, ...args: string[]] {
  const isSource = import.meta.url.endsWith('.ts')
  const main = fileURLToPath(new URL(isSource ? './main.ts' : './main.js', import.meta.url))
  return [process.execPath, ...(isSource ? ['--conditions=trainyard-source'] : []), main]
}
