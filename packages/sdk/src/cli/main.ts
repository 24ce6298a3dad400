#!/usr/bin/env node
import process from 'node:process'
import { runCli } from './run-cli.ts'

// The code is set, not forced: what is still being written to a pipe must arrive.
process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
})
