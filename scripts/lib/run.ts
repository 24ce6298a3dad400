import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..', '..')

export interface RunOptions {
  cwd?: string
  env?: NodeJS.ProcessEnv
  /** Returns the output instead of showing it. */
  capture?: boolean
}

export interface RunResult {
  code: number
  output: string
}

/** Runs a program and waits for it; a signal counts as code 1. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], {
      cwd: options.cwd ?? ROOT,
      env: options.env ?? process.env,
      stdio: options.capture ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    })
    const chunks: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString('utf8') }))
  })
}

/** Path of a tool that the root installs. */
export function tool(name: string): string {
  const path = join(ROOT, 'node_modules', '.bin', name)
  if (!existsSync(path)) throw new Error(`${name} is not installed: run pnpm install`)
  return path
}

/** Runs pnpm, the one that set everything up. */
export function pnpm(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const script = process.env.TRAINYARD_PNPM
  return script ? run(process.execPath, [script, ...args], options) : run('pnpm', args, options)
}
