import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { expectSameMasks, expectSamePixels, type Golden } from './golden.cases.ts'

const python = process.env.TRAINYARD_PEERS_PYTHON
const hasPeer = python !== undefined && spawnSync(python, ['-c', 'import pycocotools']).status === 0
const skipped = hasPeer ? '' : ' (skipped: TRAINYARD_PEERS_PYTHON names no Python with pycocotools)'

it.skipIf(!hasPeer)(`masks and polygons match the installed pycocotools${skipped}`, () => {
  const script = new URL('./fixtures/make-pycocotools-golden.py', import.meta.url).pathname
  for (let seed = 100; seed < 110; seed++) {
    const result = spawnSync(python ?? '', [script, String(seed)], { encoding: 'utf8', maxBuffer: 1 << 26 })
    expect(result.stderr).toBe('')
    const golden: Golden = JSON.parse(result.stdout)
    expectSameMasks(golden)
    expectSamePixels(golden)
  }
})
