import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { createTerminal, formatBytes, formatDuration, progressBar } from './terminal.ts'

test('durations and sizes are written the way people read them', () => {
  expect([850, 3400, 125_000].map(formatDuration)).toEqual(['850 ms', '3.4 s', '2 min 5 s'])
  expect([512, 3400, 12_000_000].map(formatBytes)).toEqual(['512 B', '3.4 kB', '12.0 MB'])
})

test('a progress bar stays within its width whatever the fraction', () => {
  expect(progressBar(0.5, 4)).toBe('██░░')
  expect(progressBar(-1, 4)).toBe('░░░░')
  expect(progressBar(7, 4)).toBe('████')
})

test('without a terminal nothing moves and nothing is coloured', () => {
  const stream = new PassThrough()
  const terminal = createTerminal(stream as unknown as NodeJS.WriteStream)
  terminal.status('moving')
  terminal.line(terminal.style('green', 'done'))
  expect(String(stream.read())).toBe('done\n')
})
