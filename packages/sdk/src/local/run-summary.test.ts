import { expect, test } from 'vitest'
import { describePredictions, RunSummary } from './run-summary.ts'

test('describes how a run ended, with its last metrics and its files', () => {
  const summary = new RunSummary('train', '/pets/runs/1')
  summary.metrics({ loss: 0.5, top1_accuracy: 0.25 })
  summary.metrics({ loss: 0.125 })
  summary.saved({ kind: 'checkpoint', path: '/pets/runs/1/best.bin', sizeBytes: 1200 })
  summary.saved({ kind: 'checkpoint', path: '/pets/runs/1/best.bin', sizeBytes: 1300 })
  const lines = summary.describe('completed', '/pets')
  expect(lines[0]).toMatch(/^train completed after .+ {2}loss 0\.125 {2}top1_accuracy 0\.25$/)
  expect(lines.slice(1)).toEqual(['  runs/1/best.bin  checkpoint, 1.3 kB', '  Journal: runs/1/journal.jsonl'])
})

test('describes predictions', () => {
  const box = { classId: 1, className: 'cat', confidence: 0.987 }
  expect(describePredictions('a.png', [box, { ...box, classId: 2, className: '' }])).toBe(
    'a.png: cat 0.99, class 2 0.99',
  )
  expect(describePredictions('a.png', [])).toBe('a.png: nothing found')
  expect(describePredictions('a.png', Array(7).fill(box))).toContain('and 2 more')
  const summary = new RunSummary('predict', '/pets/runs/2')
  summary.predicted('a.png')
  expect(summary.describe('failed', '/pets')).toContain('  1 image predicted')
})
