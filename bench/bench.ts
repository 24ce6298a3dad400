/** `npm run bench -- NAME [--small]`: runs one bench; prints a table for people and one JSON line for machines. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../scripts/lib/run.ts'
import type { Bench } from './lib/report.ts'
import { printReport } from './lib/report.ts'

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.replace('.bench.ts', ''))
const [name, ...flags] = process.argv.slice(2)
if (name === undefined || !names.includes(name)) {
  console.error(`bench "${name ?? ''}" is not one of: ${names.join(', ')}\nusage: npm run bench -- NAME [--small]`)
  process.exitCode = 2
} else {
  const module: { bench: Bench } = await import(join(import.meta.dirname, `${name}.bench.ts`))
  const rows = await module.bench({ small: flags.includes('--small') })
  const { output } = await run('git', ['rev-parse', '--short', 'HEAD'], { capture: true })
  printReport(name, output.trim(), rows)
}
