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

it.each([
  [
    'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.',
    'ResourceError',
    /the GPU ran out.*more memory$/i,
    true,
  ],
  ['MemoryError', 'ResourceError', /raise resources\.memoryMb/, true],
  [
    'numpy.core._exceptions._ArrayMemoryError: Unable to allocate 9 GiB for an array',
    'ResourceError',
    /memoryMb/,
    true,
  ],
  ['RuntimeError: DataLoader worker (pid 7) is killed by signal: Killed.', 'ResourceError', /memoryMb/, true],
  ['RuntimeError: unable to write to file: insufficient shared memory (shm)', 'ResourceError', /shmMb/, true],
  ['OSError: [Errno 28] No space left on device', 'ResourceError', /diskGb/, true],
  ['train.errors.DatasetError: no images', 'DatasetError', /^no images$/, false],
  [
    "ModuleNotFoundError: No module named 'numpy'",
    'ConfigError',
    /^ModuleNotFoundError: No module named 'numpy'$/,
    false,
  ],
  ["NameError: name 'x' is not defined", 'UnknownError', /^NameError/, false],
  ['ValueError: bad shape', 'UnknownError', /^ValueError: bad shape$/, true],
])('recognises the type of %j', (line, code, message, retryable) => {
  const traceback = ['Traceback (most recent call last):', '  File "train.py", line 1, in <module>', line]
  expect(judge({ code: 1 }, traceback)).toEqual({ code, message: expect.stringMatching(message), retryable })
})

it('does not take a wrong command line for a network error, although both have the exit code 2', () => {
  expect(
    judge({ code: 2 }, ["python3: can't open file '/app/train.py': [Errno 2] No such file or directory"]),
  ).toMatchObject({ code: 'ConfigError', retryable: false })
  expect(judge({ code: 2 }, ['usage: train.py', 'train.py: error: unrecognized arguments: --foo'])).toMatchObject({
    code: 'ConfigError',
    message: 'train.py: error: unrecognized arguments: --foo',
  })
})
