import { expect, it } from 'vitest'
import { judgeEnd } from './end-of-child.ts'

const judge = (end: Parameters<typeof judgeEnd>[1], lastErrors: string[] = []) => {
  const error = judgeEnd('python3', end, undefined, lastErrors)
  return error === undefined ? undefined : { code: error.code, message: error.message, retryable: error.retryable }
}

it('treats exit code 0 as completed', () => {
  expect(judge({ code: 0 }, ['a warning'])).toBeUndefined()
})

it('maps the exit codes of the contract', () => {
  expect(judge({ code: 1 })).toEqual({ code: 'UnknownError', message: '"python3" exited with 1', retryable: true })
  expect(judge({ code: 2 }, ['no route'])).toMatchObject({ code: 'NetworkError', message: 'no route' })
  expect(judge({ code: 3 }, ['width is odd', ''])).toEqual({
    code: 'ConfigError',
    message: 'width is odd',
    retryable: false,
  })
})

it('names the signal that terminated the program, also when a shell reports it', () => {
  const killed = { code: 'ResourceError', retryable: true, message: expect.stringContaining('SIGKILL, often because') }
  expect(judge({ signal: 'SIGKILL' })).toEqual(killed)
  expect(judge({ code: 137 })).toEqual(killed)
  expect(judge({ signal: 'SIGSEGV' })).toMatchObject({
    code: 'UnknownError',
    message: '"python3" was terminated by SIGSEGV',
  })
})
