import { describe, expect, it } from 'vitest'
import { parseOutputLine } from './parse-output-line.ts'

describe('a line of a trainer’s output', () => {
  it.each([
    ['[TRACE:abc] [ERROR] it broke', { traceId: 'abc', level: 'error', message: 'it broke' }],
    ['[TRACE:abc] [WARN] careful [x]', { traceId: 'abc', level: 'warning', message: 'careful [x]' }],
    ['[TRACE:abc] [LOUD] well', { traceId: 'abc', level: 'info', message: 'well' }],
    ['[TRACE:] [INFO] no id', { level: 'info', message: '[TRACE:] [INFO] no id' }],
    ['Epoch 1/3', { level: 'info', message: 'Epoch 1/3' }],
    ['a\u0000b', { level: 'info', message: 'a\uFFFDb' }],
  ])('%j', (text, parsed) => {
    expect(parseOutputLine({ source: 'stdout', text })).toEqual(parsed)
  })

  it('is a warning on stderr when it has no level', () => {
    expect(parseOutputLine({ source: 'stderr', text: 'Traceback' }).level).toBe('warning')
  })
})
