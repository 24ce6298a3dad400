import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runCommand } from './run-command.ts'

/** As uv does it while another process has made the output non-blocking: a write that would wait is an error. */
const PROGRAM = `
  process.stdout
  const { writeSync } = require('fs')
  const text = Buffer.from(('x'.repeat(99) + '\\n').repeat(40_000))
  for (let at = 0; at < text.length; ) at += writeSync(1, text, at)
`

it('passes on the output of a program that never waits for its reader', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-output-'))
  let lines = 0
  const { failure } = await runCommand([process.execPath, '-e', PROGRAM], {
    cwd: dir,
    env: {},
    signal: new AbortController().signal,
    outputFile: join(dir, 'output'),
    onLine: () => lines++,
  })
  expect(failure).toBeUndefined()
  expect(lines).toBe(40_000)
  await rm(dir, { recursive: true })
})
