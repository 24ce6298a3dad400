/** Converting large datasets to YOLO, beside the usual converters. `bench/peers/setup.sh` installs those. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildProgram } from '../scripts/lib/build-program.ts'
import { generateCoco } from './lib/generate-coco.ts'
import { generateDice } from './lib/generate-dice.ts'
import { cpuName, type Measured, measureProcess } from './lib/measure-process.ts'
import { hasPeer, PEERS_PYTHON } from './lib/peers.ts'
import type { Bench, BenchRow } from './lib/report.ts'

type Task = 'detection' | 'segmentation'

interface Work {
  what: string
  tasks: Task[]
  goals: Partial<Record<Task, string>>
  generate: (dir: string) => void
  peers: string[]
}

/** The usual converters take under two minutes for what ours takes seconds for; one that hangs is let go. */
const TIMEOUT_SECONDS = 600

function works(small: boolean): Work[] {
  const size = (count: number) => (small ? Math.ceil(count / 1000) : count)
  const coco = (images: number, annotations: number, vertices?: number) => (dir: string) => {
    mkdirSync(join(dir, 'annotations'), { recursive: true })
    generateCoco(join(dir, 'annotations/instances_train.json'), {
      images: size(images),
      annotations: size(annotations),
      vertices,
      classes: vertices ? 1203 : undefined,
      isGrouped: vertices !== undefined,
    })
  }
  return [
    {
      what: 'COCO like train2017',
      tasks: ['detection', 'segmentation'],
      goals: { detection: '≤ 6 s, ≤ 300 MB, ≥ 4× faster', segmentation: '≤ 9 s, ≤ 300 MB, ≥ 4× faster' },
      generate: coco(118_287, 860_001),
      peers: ['globox', 'datumaro', 'ultralytics'],
    },
    {
      what: 'COCO like LVIS',
      tasks: ['segmentation'],
      goals: { segmentation: '≤ 280 MB, ≥ 4× faster' },
      generate: coco(100_170, 1_270_141, 50),
      peers: ['ultralytics'],
    },
    {
      what: 'nested DICE of 100,000 images',
      tasks: ['segmentation'],
      goals: { segmentation: '≤ 300 MB' },
      generate: (dir) => generateDice(join(dir, 'annotations_segmentation.json'), { images: size(100_000) }),
      peers: [],
    },
  ]
}

export const bench: Bench = async ({ small }) => {
  // In memory where there is such a place: disks differ more than converters.
  const dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'trainyard-convert-'))
  const rows: BenchRow[] = []
  console.error(`on ${cpuName()}`)
  try {
    const program = await buildProgram(
      {
        'convert-ours': 'bench/peers/convert-ours.ts',
        'convert-worker': 'packages/datasets/src/convert/parallel/convert-worker.ts',
      },
      join(dir, 'program'),
    )
    for (const work of works(small)) {
      const source = join(dir, 'source')
      mkdirSync(source)
      work.generate(source)
      console.error(`${work.what}: ${(sizeOf(source) / 1e6).toFixed(0)} MB`)
      for (const task of work.tasks) rows.push(...(await compare(work, task, program, source, join(dir, 'target'))))
      rmSync(source, { recursive: true, force: true })
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  return rows
}

async function compare(work: Work, task: Task, program: string, source: string, target: string): Promise<BenchRow[]> {
  const run = async (command: string, args: string[]) => {
    rmSync(target, { recursive: true, force: true })
    const measured = await measureProcess(command, [...args, source, target, task], { timeoutSeconds: TIMEOUT_SECONDS })
    rmSync(target, { recursive: true, force: true })
    return measured
  }
  const ours = await run(process.execPath, [join(program, 'convert-ours.js')])
  if (ours === undefined) throw new Error(`our conversion of ${work.what} failed`)
  const peers = new Map<string, Measured>()
  for (const peer of work.peers) {
    if (peer === 'globox' && task !== 'detection') continue
    if (!hasPeer(peer)) continue
    const measured = await run(PEERS_PYTHON, [join(import.meta.dirname, 'peers/convert_peer.py'), peer])
    if (measured !== undefined) peers.set(peer, measured)
  }
  const what = `${work.what} → ${task === 'detection' ? 'boxes' : 'segments'}`
  const goal = work.goals[task] ?? ''
  const toRows = (name: string, peer: Measured | undefined): BenchRow[] =>
    (['seconds', 'cpuSeconds', 'peakMegabytes'] as const).map((key) => ({
      what: `${what}: ${{ seconds: 'time', cpuSeconds: 'CPU time', peakMegabytes: 'peak memory' }[key]}`,
      ours: ours[key],
      unit: key === 'peakMegabytes' ? 'MB' : 's',
      peer: peer === undefined ? undefined : { name, value: peer[key] },
      goal,
    }))
  return peers.size === 0 ? toRows('', undefined) : [...peers].flatMap(([name, peer]) => toRows(name, peer))
}

function sizeOf(source: string): number {
  const names = ['annotations/instances_train.json', 'annotations_segmentation.json']
  return names.reduce((sum, name) => sum + (statSync(join(source, name), { throwIfNoEntry: false })?.size ?? 0), 0)
}
