import { expect, it } from 'vitest'
import { explainFailure } from './explain-failure.ts'

it('names the package at which the disk was full', () => {
  const text = 'numpy==2.0\ntorch==2.15.0\n'
  const dependencies = {
    kind: 'requirements.txt' as const,
    file: 'requirements.txt',
    files: new Map([['requirements.txt', text]]),
    isHashed: false,
    hasHashes: false,
    pythonRanges: [],
  }
  const explain = (report: string) =>
    explainFailure(report, { dependencies, addresses: [], exit: 'with code 1' }).summary
  const copying = [
    'error: Failed to install: torch-2.15.0-cp311-cp311-manylinux_2_28_x86_64.whl (torch==2.15.0)',
    '  cause: Failed to copy to `environment/lib/libtorch.so`',
    '  cause: failed to copy file to environment/lib/libtorch.so: No space left on device (os error 28)',
  ]
  expect(explain(copying.join('\n'))).toBe(
    'requirements.txt:2: the disk is full, while "torch" was installed. Free space, or declare fewer or smaller packages',
  )
  expect(explain('error: Failed to download `numpy==2.0`\n  cause: No space left on device (os error 28)')).toMatch(
    /^requirements.txt:1: the disk is full, while "numpy" was installed/,
  )
  expect(explain('error: No space left on device (os error 28)')).toMatch(/^requirements.txt: the disk is full\. Free/)
})
