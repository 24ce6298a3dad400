import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface Measured {
  seconds: number
  /** Of the process itself, threads included: user and system. Less disturbed by neighbours than seconds. */
  cpuSeconds: number
  peakMegabytes: number
}

/**
 * Runs a program to its end and says what it took. The program prints `{"cpuSeconds":…,"peakMegabytes":…}` as its last
 * line, as only a process itself knows its peak everywhere. Undefined, with a word on stderr, when it fails or takes too long.
 */
export async function measureProcess(
  command: string,
  args: readonly string[],
  options: { timeoutSeconds: number },
): Promise<Measured | undefined> {
  const started = process.hrtime.bigint()
  // A process's peak starts with that of the one that forked it: a small shell stands between this one and the program.
  const child = spawn('/bin/sh', ['-c', '"$@"; exit $?', 'sh', command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-2000)
  })
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    // The whole group: Python programs start others.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }, options.timeoutSeconds * 1000)
  const code = await new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null))
    child.on('close', resolve)
  })
  clearTimeout(timer)
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  const last = output.trim().split('\n').at(-1) ?? ''
  if (code !== 0 || isLate) {
    const why = isLate
      ? `took longer than ${options.timeoutSeconds} s`
      : `ended with ${code}: ${errors.trim().split('\n').at(-1)}`
    console.error(`${command} ${args.join(' ')}: ${why}`)
    return undefined
  }
  const usage = JSON.parse(last) as { cpuSeconds: number; peakMegabytes: number }
  return { seconds, ...usage }
}

/** The processor, for the reader of the figures. */
export function cpuName(): string {
  try {
    return /model name\s*:\s*(.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown'
  } catch {
    return 'unknown'
  }
}
