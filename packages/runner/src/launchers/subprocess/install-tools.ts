import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/**
 * Puts `trainyard` into a folder: trainers in other languages are started through `trainyard exec`, with the bridge of the
 * SDK that this runner depends on. It is resolved by name and run as a program, never imported. Images bring their own.
 */
export function installTools(dir: string): void {
  const bridge = createRequire(import.meta.url).resolve('@trainyard/sdk/exec')
  const isSource = bridge.endsWith('.ts')
  const main = join(dirname(bridge), isSource ? 'main.ts' : 'main.js')
  const conditions = isSource ? ' --conditions=trainyard-source' : ''
  const script = `#!/bin/sh\nexec ${quote(process.execPath)}${conditions} ${quote(main)} "$@"\n`
  mkdirSync(dir, { recursive: true })
  // Whole or not at all: a trainer of another runner over the same folder may be starting right now.
  const temporary = join(dir, `.trainyard-${process.pid}`)
  writeFileSync(temporary, script, { mode: 0o755 })
  renameSync(temporary, join(dir, 'trainyard'))
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
