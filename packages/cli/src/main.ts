#!/usr/bin/env node
import process from 'node:process'
import { runCli } from './run-cli.ts'

// A reader that went away, such as "| head", is no failure; what it did not read is lost on purpose.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

// The code is set, not forced: what is still being written to a pipe must arrive.
process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
})
