import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import process from 'node:process'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'

/** Runs a program in the foreground. Resolves with its exit code, or 128 and the signal's number as a shell does. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: 'inherit' })
    // Ctrl-C goes to the whole process group: the trainer decides how to stop.
    const ignore = () => undefined
    const terminate = () => child.kill('SIGTERM')
    process.on('SIGINT', ignore)
    process.on('SIGTERM', terminate)
    const finish = () => {
      process.off('SIGINT', ignore)
      process.off('SIGTERM', terminate)
    }
    child.once('error', (cause) => {
      finish()
      const isMissing = 'code' in cause && cause.code === 'ENOENT'
      reject(
        isMissing
          ? new Error(`the program "${program}" of trainer.json is not installed or not in PATH`, { cause })
          : cause,
      )
    })
    child.once('exit', (code, signal) => {
      finish()
      resolve(code ?? (signal === null ? EXIT_CODES.failed : 128 + constants.signals[signal]))
    })
  })
}
