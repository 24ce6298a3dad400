#!/usr/bin/env node
import { VERSION } from '../version.ts'
import { runCli } from './run-cli.ts'

// A reader that stops early, such as "| head", is not an error, and does not change the exit code.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

// The first Ctrl-C stops the trainer and cleans up. The second one ends the program immediately.
const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => interrupted.abort(new Error(`stopped by ${name}`)))
}

process.exitCode = await runCli({
  argv: process.argv.slice(2),
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  version: VERSION,
  signal: interrupted.signal,
})
