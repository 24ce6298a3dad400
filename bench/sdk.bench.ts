/**
 * What the SDK costs: its import, its size, and reporting beside a training, with a platform that is up, slow or gone.
 * Import and size need `npm run build`, since they measure what is published.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PACKS_DIR } from '../scripts/lib/packages.ts'
import { ROOT } from '../scripts/lib/run.ts'
import { measureReporting } from './lib/measure-reporting.ts'
import type { Bench } from './lib/report.ts'
import { median } from './lib/report.ts'

/** Milliseconds that a whole Node process takes to run a line of code. */
function processTime(code: string): number {
  const started = process.hrtime.bigint()
  execFileSync(process.execPath, ['--input-type=module', '--eval', code], { cwd: join(ROOT, 'packages/sdk') })
  return Number(process.hrtime.bigint() - started) / 1e6
}

export const bench: Bench = async ({ small }) => {
  const rounds = small ? 2 : 11
  const bare: number[] = []
  const core: number[] = []
  // Interleaved, so that a noisy neighbour disturbs both alike.
  for (let round = 0; round < rounds; round++) {
    bare.push(processTime('0'))
    core.push(processTime("await import('@trainyard/sdk')"))
  }
  const packs = readdirSync(PACKS_DIR).filter((file) => file.startsWith('trainyard-sdk-'))
  const pack = packs[0]
  if (pack === undefined) throw new Error(`no packed SDK in ${PACKS_DIR}: run npm run build`)
  const bareMs = median(bare)
  return [
    ...(await measureReporting(small)),
    {
      what: 'process that imports the core',
      ours: median(core),
      unit: 'ms',
      peer: { name: 'bare node', value: bareMs },
      goal: 'at most 40 ms more',
    },
    { what: 'import over bare node', ours: median(core) - bareMs, unit: 'ms', goal: '≤ 40 ms' },
    { what: 'packed size', ours: statSync(join(PACKS_DIR, pack)).size / 1000, unit: 'kB', goal: '≤ 300 kB' },
  ]
}
