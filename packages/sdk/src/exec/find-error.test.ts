import { describe, expect, it } from 'vitest'
import { findError } from './find-error.ts'

const find = (text: string) => findError(text.trimEnd().split('\n'))

const VALUE_ERROR = `Traceback (most recent call last):
  File "/app/train.py", line 5, in <module>
    main()
  File "/app/train.py", line 3, in main
    raise ValueError("bad shape")
ValueError: bad shape`

describe('the error of a Python program', () => {
  it('is the exception of its traceback', () => {
    expect(find(`loading\n${VALUE_ERROR}`)).toEqual({
      type: 'ValueError',
      message: 'ValueError: bad shape',
      traceback: VALUE_ERROR,
    })
  })

  it.each([
    [
      'warnings at exit',
      `/usr/lib/python3.11/multiprocessing/resource_tracker.py:254: UserWarning: resource_tracker: There appear to be 1 leaked semaphore objects
  warnings.warn('resource_tracker: There appear to be %d '`,
    ],
    [
      'an error that Python ignores',
      `Exception ignored in: <function Pool.__del__ at 0x7f>
Traceback (most recent call last):
  File "/usr/lib/python3.11/multiprocessing/pool.py", line 271, in __del__
TypeError: 'NoneType' object is not callable`,
    ],
    [
      'the report of torchrun',
      `E1129 12:00:00.000000 140 torch/distributed/elastic/multiprocessing/api.py:869] failed (exitcode: 1) local_rank: 0 (pid: 7) of binary: /usr/bin/python3
Traceback (most recent call last):
  File "/usr/local/bin/torchrun", line 8, in <module>
    sys.exit(main())
torch.distributed.elastic.multiprocessing.errors.ChildFailedError: 
============================================================
train.py FAILED
------------------------------------------------------------
Failures:
  <NO_OTHER_FAILURES>
------------------------------------------------------------
Root Cause (first observed failure):
[0]:
  time      : 2026-11-29_12:00:00
  exitcode  : 1 (pid: 7)
  error_file: <N/A>
  traceback : To enable traceback see: https://pytorch.org/docs/stable/elastic/errors.html
============================================================`,
    ],
    [
      'the report of accelerate',
      `Traceback (most recent call last):
  File "/usr/local/bin/accelerate", line 8, in <module>
    sys.exit(main())
subprocess.CalledProcessError: Command '['/usr/bin/python3', 'train.py']' returned non-zero exit status 1.`,
    ],
    [
      'the consequences in another process',
      `[rank1]: Traceback (most recent call last):
[rank1]:   File "/app/train.py", line 9, in <module>
[rank1]:     dist.barrier()
[rank1]: torch.distributed.DistBackendError: NCCL error: remote process exited`,
    ],
    ['a progress bar', ' 45%|████▌     | 9/20 [00:01<00:01,  8.12it/s]'],
  ])('is not hidden by %s', (_what, after) => {
    expect(find(`${VALUE_ERROR}\n${after}`)).toMatchObject({ type: 'ValueError', message: 'ValueError: bad shape' })
  })

  it('is the last of a chain, with the whole chain', () => {
    const text = `Traceback (most recent call last):
  File "a.py", line 1, in <module>
KeyError: 'images'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "a.py", line 3, in <module>
mylib.errors.DatasetError: no images`
    expect(find(`before\n${text}`)).toEqual({
      type: 'mylib.errors.DatasetError',
      message: 'mylib.errors.DatasetError: no images',
      traceback: text,
    })
  })

  it('is the one of the worker that failed', () => {
    expect(
      find(`Traceback (most recent call last):
  File "train.py", line 3, in <module>
    for batch in loader:
ValueError: Caught ValueError in DataLoader worker process 0.
Original Traceback (most recent call last):
  File "dataset.py", line 8, in __getitem__
    raise ValueError("image 7 is corrupt")
ValueError: image 7 is corrupt
`),
    ).toMatchObject({
      message: 'ValueError: image 7 is corrupt',
      traceback: expect.stringMatching(/^Traceback.*line 3/s),
    })
  })

  it('is read from a report of torchrun with tracebacks, and from lines of a rank among others', () => {
    expect(
      find(`Root Cause (first observed failure):
[0]:
  traceback : Traceback (most recent call last):
    File "train.py", line 2, in main
      raise ValueError("bad")
  ValueError: bad
  
============================================================`)?.message,
    ).toBe('ValueError: bad')
    expect(
      find(`[rank0]: Traceback (most recent call last):
[rank0]:   File "train.py", line 2, in main
other output
[rank0]: IndexError: list index out of range`)?.message,
    ).toBe('IndexError: list index out of range')
  })

  it('has no message of its own', () => {
    expect(
      find('Traceback (most recent call last):\n  File "a.py", line 1, in <module>\nAssertionError'),
    ).toMatchObject({
      type: 'AssertionError',
      message: 'AssertionError',
    })
  })

  it('is a mistake of syntax', () => {
    expect(find(`  File "train.py", line 3\n    foo(\n       ^\nSyntaxError: '(' was never closed`)).toMatchObject({
      type: 'SyntaxError',
      message: "SyntaxError: '(' was never closed",
    })
  })
})

describe('the error of another program', () => {
  it.each([
    [
      'Node',
      `/app/train.js:3
    throw new TypeError('no model')
    ^

TypeError: no model
    at main (/app/train.js:3:11)
    at node:internal/main:1:1

Node.js v24.0.0`,
      'TypeError: no model',
    ],
    ['a shell', 'train.sh: line 3: trainer: command not found', 'train.sh: line 3: trainer: command not found'],
    ['Rust', "thread 'main' panicked at src/main.rs:2:5:\nno images\nnote: run with `RUST_BACKTRACE=1`", 'no images'],
    ['Go', 'panic: no images\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:5', 'panic: no images'],
    [
      'C++',
      "terminate called after throwing an instance of 'std::runtime_error'\n  what():  no images\nAborted",
      'no images',
    ],
    [
      'Java',
      'Exception in thread "main" java.io.IOException: no images\n\tat Main.main(Main.java:3)',
      'java.io.IOException: no images',
    ],
    ['R', 'Error in train() : no images\nExecution halted', 'Error in train() : no images'],
    [
      'argparse',
      'usage: train.py [-h]\ntrain.py: error: unrecognized arguments: --foo',
      'train.py: error: unrecognized arguments: --foo',
    ],
    ['anything', 'no images\n============', 'no images'],
  ])('of %s', (_what, text, message) => {
    expect(find(text)?.message).toBe(message)
  })

  it('is unknown when it printed nothing', () => {
    expect(findError([])).toBeUndefined()
    expect(findError(['', ' '])).toBeUndefined()
  })
})
