import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/**
 * Installs the program `trainyard` in a folder. Trainers in other languages are started with `trainyard exec`, a part of the
 * SDK that this package depends on. It is resolved by name and run as a program, never imported. Images bring their own.
 */
export function installTools(dir: string): void {
  const exec = createRequire(import.meta.url).resolve('@trainyard/sdk/exec')
  const isSource = exec.endsWith('.ts')
  const main = join(dirname(exec), isSource ? 'main.ts' : 'main.js')
  const conditions = isSource ? ' --conditions=trainyard-source' : ''
  const script = `#!/bin/sh\nexec ${quote(process.execPath)}${conditions} ${quote(main)} "$@"\n`
  mkdirSync(dir, { recursive: true })
  // Atomic, because another runner with the same folder may be starting a trainer at this moment.
  const temporary = join(dir, `.trainyard-${process.pid}`)
  writeFileSync(temporary, script, { mode: 0o755 })
  renameSync(temporary, join(dir, 'trainyard'))
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
