#!/usr/bin/env node
import process from 'node:process'
import { runCli } from './run-cli.ts'
import { isOldNode, MIN_NODE } from './version.ts'

// A reader that stops early, such as "| head", is not an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

if (isOldNode(process.versions.node)) {
  const found = `this is Node.js ${process.versions.node}, and ${MIN_NODE} or newer is needed`
  process.stderr.write(`trainyard: ${found}: some commands will fail. See https://nodejs.org\n`)
}

// Only then, because it takes time to load.
if (Object.keys(process.env).some((name) => /^https?_proxy$/i.test(name))) {
  const { useProxy } = await import('./server/use-proxy.ts')
  const problem = useProxy(process.env)
  if (problem !== undefined) process.stderr.write(`trainyard: ${problem}\n`)
}

// Not process.exit: it would lose output that is still being written to a pipe.
process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
})
