import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ValidationReport } from '@trainyard/contract'
import { describe, expect, test } from 'vitest'
import { FORMATS } from '../render/formats.ts'
import { makeChanged } from '../testing/flaws.ts'
import { runCli } from './run-cli.ts'

const fixture = (path: string) => fileURLToPath(new URL(`../../fixtures/${path}`, import.meta.url))
const QUICK = ['--phase', 'static,security']

async function run(argv: string[], options: { isTTY?: boolean; env?: Record<string, string> } = {}) {
  let stdout = ''
  let stderr = ''
  const isTTY = options.isTTY ?? false
  const code = await runCli({
    argv,
    env: options.env ?? {},
    stdout: {
      isTTY,
      write: (text) => {
        stdout += text
      },
    },
    stderr: {
      isTTY,
      write: (text) => {
        stderr += text
      },
    },
    version: '9.9.9',
  })
  return { code, stdout, stderr }
}

describe('wrong usage exits with 2 and names the value', () => {
  test.each([
    [['--colour'], '--colour'],
    [['--profile', 'strict'], '"strict"'],
    [['--phase', 'statik'], '"statik"'],
    [['--phase', ','], '--phase is empty'],
    [['--require', 'all'], '"all"'],
    [['--format', 'xml'], '"xml"'],
    [['--report', 'sarif'], 'FORMAT=FILE'],
    [['--report', 'xml=a'], '"xml"'],
    [['replay'], 'after "replay"'],
    [['replay', fixture('TY101/pass/trainer.json')], 'is not a report'],
    [['replay', fixture('TY101/pass/main.js')], 'is not JSON'],
    [['--seed=-1'], '"-1"'],
    [['--seed', '1e3'], '"1e3"'],
    [['--timeout', '0'], '"0"'],
    [['--only', 'TY9'], '"TY9"'],
    [['a', 'b'], '"b"'],
    [['/no/such/folder'], '"/no/such/folder"'],
    [[fixture('TY101/pass/trainer.json')], 'expected the folder that contains trainer.json'],
  ])('%j', async (argv, named) => {
    const { code, stdout, stderr } = await run(argv)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain(named)
  })
})

test('help and version exit with 0', async () => {
  expect(await run(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('--profile') })
  expect(await run(['--version'])).toMatchObject({ code: 0, stdout: '9.9.9\n' })
})

test('a valid folder exits with 0 and lists what was not checked', async () => {
  const { code, stdout } = await run([fixture('TY101/pass'), ...QUICK])
  expect(code).toBe(0)
  expect(stdout).toContain('not checked: compliance')
  expect(stdout).toContain('fixtures/tiny 1.0.0 passed')
})

test('a folder with errors exits with 1, with a line for each finding and a matching summary', async () => {
  const { code, stdout } = await run([fixture('TY105/fail'), ...QUICK])
  expect(code).toBe(1)
  expect(stdout.split('\n').filter((line) => line.includes('error TY105'))).toHaveLength(2)
  expect(stdout).toContain('2 errors')
  expect(stdout).toContain('failed')
  expect(stdout).toContain('exit code 1')
})

test('the exit code does not depend on the format and output', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'validator-cli-'))
  try {
    const output = join(dir, 'report')
    for (const [path, expected] of [
      ['TY301/fail', 1],
      ['TY301/pass', 0],
    ] as const) {
      const codes = []
      for (const format of FORMATS) {
        codes.push((await run([fixture(path), ...QUICK, '--format', format])).code)
      }
      codes.push((await run([fixture(path), ...QUICK, '--format', 'html', '--output', output])).code)
      expect(new Set(codes)).toEqual(new Set([expected]))
    }
    const json = join(dir, 'report.json')
    const { stdout } = await run([fixture('TY301/pass'), ...QUICK, '--format', 'github', '--report', `json=${json}`])
    expect(stdout).toContain('passed')
    expect(ValidationReport.parse(JSON.parse(await readFile(json, 'utf8'))).verdict).toBe('passed')
    expect((await run([fixture('TY301/pass'), ...QUICK, '--output', join(dir, 'no/such/dir')])).code).toBe(2)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})

test('json prints only the report', async () => {
  const { stdout, stderr } = await run([fixture('TY207/fail'), ...QUICK, '--format', 'json', '--seed', '5'])
  const report = ValidationReport.parse(JSON.parse(stdout))
  expect(report).toMatchObject({ verdict: 'failed', seed: 5, profile: 'author' })
  expect(report.checks.map(({ name, status }) => [name, status])).toEqual([
    ['manifest', 'failed'],
    ['secrets', 'passed'],
    ['compliance', 'skipped'],
  ])
  expect(stderr).toBe('')
})

test('warnings fail only the ci profile, and --require fails a skipped phase', async () => {
  expect((await run([fixture('TY201/fail'), ...QUICK])).code).toBe(0)
  expect((await run([fixture('TY201/fail'), ...QUICK, '--profile', 'ci'])).code).toBe(1)
  expect((await run([fixture('TY201/pass'), ...QUICK, '--profile', 'ci'])).code).toBe(0)
  expect((await run([fixture('TY201/pass'), ...QUICK, '--profile', 'marketplace'])).code).toBe(1)
  expect((await run([fixture('TY201/pass'), ...QUICK, '--require', 'compliance'])).code).toBe(1)
})

test('--only runs the selected rules and skips phases without any', async () => {
  const { stdout } = await run([fixture('TY104/fail'), '--only', 'TY104', '--format', 'json'])
  const report = ValidationReport.parse(JSON.parse(stdout))
  expect(report.checks.map(({ status }) => status)).toEqual(['failed', 'skipped', 'skipped'])
})

test('colours are used in a terminal or on request, but not with NO_COLOR or in a pipe', async () => {
  const colored = async (argv: string[], options?: Parameters<typeof run>[1]) =>
    (await run([fixture('TY101/pass'), ...QUICK, ...argv], options)).stdout.includes('\u001b[32m')
  expect(await colored([])).toBe(false)
  expect(await colored(['--color'])).toBe(true)
  expect(await colored([], { isTTY: true })).toBe(true)
  expect(await colored([], { isTTY: true, env: { NO_COLOR: '1' } })).toBe(false)
  expect(await colored(['--no-color'], { isTTY: true })).toBe(false)
})

test('replay repeats a report with its seed, profile, phases and rules', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'validator-replay-'))
  try {
    const file = join(dir, 'report.json')
    const first = ['--profile', 'ci', '--seed', '77', '--only', 'TY2,TY3', '--timeout', '99', '--format', 'json']
    const one = await run([fixture('TY201/fail'), ...QUICK, ...first, '--output', file])
    // The target is that of the report.
    const again = await run(['replay', file, '--format', 'json'])
    expect([one.code, again.code]).toEqual([1, 1])
    expect(again.stderr).toBe('')
    const [before, after] = [await readFile(file, 'utf8'), again.stdout].map((text) =>
      ValidationReport.parse(JSON.parse(text)),
    )
    expect(after).toMatchObject({ seed: 77, profile: 'ci', run: before?.run })
    expect(after?.checks.map(({ status, findings }) => [status, findings])).toEqual(
      before?.checks.map(({ status, findings }) => [status, findings]),
    )
    const changed = join(dir, 'changed')
    await cp(fixture('TY201/fail'), changed, { recursive: true })
    const same = await run(['replay', file, changed, '--format', 'json'])
    expect([same.code, same.stderr]).toEqual([1, ''])
    await writeFile(join(changed, 'main.js'), 'process.exit(0)\n')
    const other = await run(['replay', file, changed, '--format', 'json'])
    const [{ target } = {}] = [before?.run]
    expect(other.stderr).toContain(`the target has changed since the report ${file} was made: it was ${target?.digest}`)
    // Not the seed of someone else.
    expect(await run(['replay', file, '--seed', '1'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--seed cannot be given with "replay"'),
    })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})

test('replay runs the trainer again with the same images, and another seed gives it others', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'validator-replay-'))
  try {
    const shown =
      "throw new Error(createHash('sha256').update(Buffer.concat(images.map(({ bytes }) => bytes))).digest('hex'))"
    const edits = [
      {
        file: 'main.js',
        find: '  const centroids = classes.map',
        replace: `  ${shown}\n  const centroids = classes.map`,
      },
      {
        file: 'main.js',
        find: 'import { readPng }',
        replace: "import { createHash } from 'node:crypto'\nimport { readPng }",
      },
    ]
    const trainer = await makeChanged('shows its images', edits, dir)
    const env = { DATABASE_URL: process.env.TEST_DATABASE_URL ?? '' }
    const ran = async (...argv: string[]) => {
      const { code, stdout, stderr } = await run([...argv, '--format', 'json'], { env })
      const { checks } = ValidationReport.parse(JSON.parse(stdout))
      const found = checks.flatMap(({ findings }) => findings.map(({ code, message }) => `${code} ${message}`))
      return { code, stderr, stdout, found }
    }
    const first = await ran(trainer, '--phase', 'compliance', '--seed', '5')
    expect(first).toMatchObject({ code: 1, found: [expect.stringMatching(/[0-9a-f]{64}/)] })
    const file = join(dir, 'report.json')
    await writeFile(file, first.stdout)
    expect(await ran('replay', file)).toMatchObject({ code: 1, stderr: '', found: first.found })
    const other = await ran(trainer, '--phase', 'compliance', '--seed', '6')
    expect(other.found).toHaveLength(1)
    expect(other.found).not.toEqual(first.found)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
