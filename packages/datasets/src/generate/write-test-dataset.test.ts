import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDataset } from '../open/open-dataset.ts'
import { validateDataset } from '../validate/validate-dataset.ts'
import { writeTestBoxes } from './write-test-dataset.ts'

test('the generated boxes are a YOLO dataset without any fault, with a box in each image', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'trainyard-test-boxes-'))
  try {
    const report = await validateDataset(await openDataset(await writeTestBoxes(join(dir, 'boxes'))))
    expect(report).toMatchObject({ format: 'yolo', images: 48, annotations: 48 })
    expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([])
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
