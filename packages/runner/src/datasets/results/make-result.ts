import { fork } from 'node:child_process'
import { ownExecArgv, pickEnvironment, programBeside, TrainyardError } from '@trainyard/platform'
import { type Order, Outcome } from './messages.ts'

const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'NODE_COMPILE_CACHE'] as const
/** A large dataset must not exhaust the memory of the machine. */
const MAX_HEAP_MB = 2048
const MAX_MS = 30 * 60 * 1000
const MAX_OUTPUT_CHARACTERS = 2000

/** Makes a result in a process of its own. Throws `unprocessable` for a dataset of which it cannot be made. */
export function makeResult(order: Order): Promise<void> {
  const program = programBeside(import.meta.url, 'result-program')
  return new Promise((resolve, reject) => {
    const child = fork(program, [order.type], {
      execArgv: [`--max-old-space-size=${MAX_HEAP_MB}`, ...ownExecArgv(program)],
      env: pickEnvironment(PASSED_ON),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      timeout: MAX_MS,
      killSignal: 'SIGKILL',
    })
    let output = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-MAX_OUTPUT_CHARACTERS)
    })
    child.on('error', reject)
    child.once('message', (data) => {
      child.kill('SIGKILL')
      const outcome = Outcome.safeParse(data).data
      if (outcome?.type === 'done') return resolve()
      if (outcome?.type === 'failed' && outcome.isDatasetError)
        return reject(new TrainyardError('unprocessable', outcome.message))
      reject(new Error(`making a ${order.type} failed: ${outcome?.message ?? 'unknown message'}`))
    })
    // After a message, the promise is settled already.
    child.once('exit', (code, signal) => {
      const end = signal ?? `exit code ${code}`
      reject(new Error(`making a ${order.type} failed: the process ended with ${end} ${output}`.trim()))
    })
    child.send(order, () => {})
  })
}
