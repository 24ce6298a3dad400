import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The folder of the Python package. */
export const PACKAGE = fileURLToPath(new URL('../../../python', import.meta.url))

/** Runs a program in the folder of the package, and resolves with what it wrote. */
export function runThere(program: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(program, args, {
    cwd: PACKAGE,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const collect = (chunk: Buffer) => {
    output += chunk.toString()
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}

/** Runs the tests of the Python package with a Python. */
export const runPythonTests = (python: string) =>
  runThere(python, ['-W', 'ignore', '-m', 'unittest', 'discover', '-s', 'tests'])
