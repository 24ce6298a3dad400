import { expect } from 'vitest'
import { runCli } from '../run-cli.ts'
import { JSON_DOCUMENTS } from '../table/json-documents.ts'
import { JSON_VERSION } from '../terminal/table.ts'

export interface RunOptions {
  env?: Record<string, string> | undefined
  cwd?: string | undefined
  /** Whether both outputs are terminals. */
  isTTY?: boolean | undefined
  stdin?: string | undefined
}

export interface RunResult {
  code: number
  out: string
  err: string
}

/** Runs a command line in this process. */
export async function runCommand(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { env = {}, cwd = '/', isTTY = false, stdin } = options
  let out = ''
  let err = ''
  async function* input() {
    yield stdin ?? ''
  }
  const code = await runCli(args, {
    stdout: { write: (text) => (out += text), isTTY, columns: 80 },
    stderr: { write: (text) => (err += text), isTTY, columns: 80 },
    env,
    cwd,
    stdin: stdin === undefined ? undefined : input(),
  })
  checkDocument(args, out)
  return { code, out, err }
}

/** Every JSON document of every test has a version and only documented keys. */
function checkDocument(args: readonly string[], out: string): void {
  const declared = JSON_DOCUMENTS[args.slice(0, 2).join(' ')] ?? JSON_DOCUMENTS[args[0] ?? '']
  if (!args.includes('--json') || !out.startsWith('{\n') || declared === undefined) return
  const { jsonVersion, error: _, ...document } = JSON.parse(out) as Record<string, unknown>
  expect(jsonVersion).toBe(JSON_VERSION)
  expect(Object.keys(declared)).toEqual(expect.arrayContaining(Object.keys(document)))
}
