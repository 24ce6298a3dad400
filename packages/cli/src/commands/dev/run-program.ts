import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import process from 'node:process'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'

/** Enough for a traceback. */
const MAX_KEPT_CHARACTERS = 16_384

export interface ProgramEnd {
  /** 128 and the signal's number for a signal, as in a shell. */
  exitCode: number
  /** The end of its error output, which is printed too. */
  errorOutput: string
}

/** Runs a program in the foreground. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['inherit', 'inherit', 'pipe'] })
    let errorOutput = ''
    child.stderr.on('data', (chunk: Buffer) => {
      errorOutput = (errorOutput + chunk.toString('utf8')).slice(-MAX_KEPT_CHARACTERS)
      process.stderr.write(chunk)
    })
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
    // Not "exit": the error output can still be incomplete.
    child.once('close', (code, signal) => {
      finish()
      const exitCode = code ?? (signal === null ? EXIT_CODES.failed : 128 + constants.signals[signal])
      resolve({ exitCode, errorOutput })
    })
  })
}
