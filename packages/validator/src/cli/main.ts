#!/usr/bin/env node
import { VERSION } from '../version.ts'
import { runCli } from './run-cli.ts'

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
