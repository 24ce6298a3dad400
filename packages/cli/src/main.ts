#!/usr/bin/env node
import process from 'node:process'
import { runCli } from './run-cli.ts'

// A reader that stops early, such as "| head", is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

// Not process.exit: it would lose output that is still being written to a pipe.
process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
})
