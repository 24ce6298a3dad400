/** Statistics of a large dataset, beside the usual tools. `bench/peers/setup.sh` installs those. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildProgram } from '../scripts/lib/build-program.ts'
import { generateCoco } from './lib/generate-coco.ts'
import { cpuName, type Measured, measureProcess } from './lib/measure-process.ts'
import { hasPeer, PEERS_PYTHON } from './lib/peers.ts'
import type { Bench, BenchRow } from './lib/report.ts'

const TIMEOUT_SECONDS = 600
const GOALS = { seconds: '≤ 10 s', cpuSeconds: '', peakMegabytes: '≤ 300 MB' } as const
const NAMES = { seconds: 'time', cpuSeconds: 'CPU time', peakMegabytes: 'peak memory' } as const

export const bench: Bench = async ({ small }) => {
  const dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'trainyard-stats-'))
  console.error(`on ${cpuName()}`)
  try {
    const program = await buildProgram({ 'describe-ours': 'bench/peers/describe-ours.ts' }, join(dir, 'program'))
    const source = join(dir, 'source')
    mkdirSync(join(source, 'annotations'), { recursive: true })
    const size = (count: number) => (small ? Math.ceil(count / 1000) : count)
    const counts = { images: size(100_000), annotations: size(1_000_000) }
    generateCoco(join(source, 'annotations/instances_train.json'), { ...counts, isGrouped: true })

    const ours = await measureProcess(process.execPath, [join(program, 'describe-ours.js'), source], {
      timeoutSeconds: TIMEOUT_SECONDS,
    })
    if (ours === undefined) throw new Error('our statistics failed')
    const peers: [string, Measured][] = []
    for (const peer of ['globox', 'supervision', 'datumaro']) {
      if (!hasPeer(peer)) continue
      const args = [join(import.meta.dirname, 'peers/describe_peer.py'), peer, source]
      const measured = await measureProcess(PEERS_PYTHON, args, { timeoutSeconds: TIMEOUT_SECONDS })
      if (measured !== undefined) peers.push([peer, measured])
    }
    return peers.length === 0 ? toRows(ours) : peers.flatMap(([name, peer]) => toRows(ours, name, peer))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function toRows(ours: Measured, name = '', peer?: Measured): BenchRow[] {
  return (['seconds', 'cpuSeconds', 'peakMegabytes'] as const).map((key) => ({
    what: `a million objects of COCO: ${NAMES[key]}`,
    ours: ours[key],
    unit: key === 'peakMegabytes' ? 'MB' : 's',
    peer: peer === undefined ? undefined : { name, value: peer[key] },
    goal: GOALS[key],
  }))
}
