import { fileURLToPath } from 'node:url'

const SOURCE_MAIN = '../../main.ts'
/** The build puts everything in one folder. */
const BUILT_MAIN = './main.js'

/** The command that starts this command line again, from its sources or from its build. */
export function ownCommand(): [program: string, ...args: string[]] {
  const isSource = import.meta.url.endsWith('.ts')
  const main = fileURLToPath(new URL(isSource ? SOURCE_MAIN : BUILT_MAIN, import.meta.url))
  return [process.execPath, ...(isSource ? ['--conditions=trainyard-source'] : []), main]
}
