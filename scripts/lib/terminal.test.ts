import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { createTerminal } from './terminal.ts'

test('without a terminal nothing moves and nothing is coloured', () => {
  const stream = new PassThrough()
  const terminal = createTerminal(stream as unknown as NodeJS.WriteStream)
  terminal.status('moving')
  terminal.line(terminal.style('green', 'done'))
  expect(String(stream.read())).toBe('done\n')
})
