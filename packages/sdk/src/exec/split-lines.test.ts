import { expect, it } from 'vitest'
import { createLineSplitter } from './split-lines.ts'

function split(chunks: (string | Buffer)[], maxLength = 100): [string, boolean][] {
  const lines: [string, boolean][] = []
  const splitter = createLineSplitter({ maxLength, onLine: (line, isCut) => lines.push([line, isCut]) })
  for (const chunk of chunks) splitter.push(Buffer.from(chunk))
  splitter.end()
  return lines
}

it('joins chunks into lines, and emits the last line without a line break', () => {
  expect(split(['on', 'e\ntw', 'o\r\n', '\nthree'])).toEqual([
    ['one', false],
    ['two', false],
    ['', false],
    ['three', false],
  ])
})

it('keeps a character whole whose bytes arrive in two chunks', () => {
  const bytes = Buffer.from('é\n')
  expect(split([bytes.subarray(0, 1), bytes.subarray(1)])).toEqual([['é', false]])
})

it('cuts a line that is too long and continues with the next', () => {
  expect(split(['abc', 'def', 'ghi\nok\n'], 4)).toEqual([
    ['abcd', true],
    ['ok', false],
  ])
})
