import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A server must not answer with a 5xx, or with a status, content type, header or body that its document does not name. */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
]

const OPTIONS = [
  `--checks=${CHECKS.join(',')}`,
  '--phases=examples,coverage,fuzzing',
  '--max-time=60',
  '--workers=1',
  '--seed=1',
  '--request-timeout=20',
  '--no-color',
  '--warnings=off',
  // Streams do not end.
  '--exclude-path-regex=/live$',
  '--suppress-health-check=all',
]

export interface SchemathesisOptions {
  /** Origin of the running server. Its document is at `/openapi.json`. */
  url: string
  /** Values of path parameters by a pattern of paths, so that most requests refer to resources that exist. */
  parameters: Readonly<Record<string, Readonly<Record<string, string | number>>>>
  /** Further arguments of `schemathesis run`. */
  args: readonly string[]
}

/** The program in the variable SCHEMATHESIS. Prints how to get it when the variable is not set. */
export function findSchemathesis(): string | undefined {
  const program = process.env.SCHEMATHESIS
  if (!program)
    console.warn(
      'skipped: set SCHEMATHESIS to the program (python3 -m venv v; v/bin/pip install schemathesis; v/bin/schemathesis)',
    )
  return program
}

/**
 * Tests a running server against its OpenAPI document with thousands of generated requests, valid and invalid. See
 * https://schemathesis.readthedocs.io. `output` names the failures and how to reproduce them.
 */
export async function runSchemathesis(
  program: string,
  { url, parameters, args }: SchemathesisOptions,
): Promise<{ code: number; output: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-openapi-'))
  try {
    await writeFile(join(dir, 'openapi.json'), await (await fetch(`${url}/openapi.json`)).text())
    const operations = Object.entries(parameters).map(([pattern, values]) => {
      const list = Object.entries(values).map(([name, value]) => `"path.${name}" = ${JSON.stringify(value)}`)
      return `[[operations]]\ninclude-path-regex = "${pattern}"\nparameters = { ${list.join(', ')} }\n`
    })
    await writeFile(join(dir, 'schemathesis.toml'), operations.join('\n'))
    return await new Promise((resolve) => {
      const child = execFile(
        program,
        ['run', 'openapi.json', `--url=${url}`, ...OPTIONS, ...args],
        { cwd: dir, maxBuffer: 64 * 1024 * 1024 },
        (_error, stdout, stderr) => resolve({ code: child.exitCode ?? 1, output: stdout + stderr }),
      )
    })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
