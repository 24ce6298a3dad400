import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const exec = promisify(execFile)
const MAX_OUTPUT = 32 * 1024 * 1024

/** Runs a program; its output is in the error when it fails. */
export async function runProgram(program: string, args: readonly string[]): Promise<string> {
  try {
    return (await exec(program, [...args], { maxBuffer: MAX_OUTPUT })).stdout.trim()
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${program} ${args.join(' ').slice(0, 200)} failed:\n${stdout}\n${stderr}`, { cause: error })
  }
}

export const kubectl = (...args: string[]): Promise<string> => runProgram('kubectl', args)
export const helm = (...args: string[]): Promise<string> => runProgram(process.env.HELM_PATH ?? 'helm', args)

/** Waits until the condition returns something. */
export async function until<T>(what: string, seconds: number, condition: () => Promise<T | undefined>): Promise<T> {
  for (const end = performance.now() + seconds * 1000; performance.now() < end; await sleep(500)) {
    const result = await condition()
    if (result !== undefined) return result
  }
  throw new Error(`${what}: not after ${seconds} s`)
}

/** Whether a pod opens a TCP connection. Its image has Node. */
export async function canConnect(namespace: string, pod: string, host: string, port: number): Promise<boolean> {
  const script = `const s=require('net').connect(${port},'${host}',()=>{console.log('open');process.exit()});s.on('error',e=>{console.log(e.code);process.exit()});setTimeout(()=>{console.log('closed');process.exit()},4000)`
  return (await kubectl('-n', namespace, 'exec', pod, '--', 'node', '-e', script)) === 'open'
}
