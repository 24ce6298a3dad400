import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runCli } from './run-cli.ts'

const good = fileURLToPath(new URL('../../fixtures/TY205/fail', import.meta.url))
const CODE = 'TY205'
const PHASES = ['--phase', 'static,security', '--profile', 'ci']

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainyard-decisions-'))
  await cp(good, dir, { recursive: true })
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function run(...argv: string[]) {
  const seen = { stdout: '', stderr: '' }
  const stream = (name: keyof typeof seen) => ({
    write: (text: string) => {
      seen[name] += text
    },
  })
  const code = await runCli({
    argv: [dir, ...argv],
    env: {},
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    version: '0.0.0',
  })
  return { code, ...seen }
}

const ignore = (expires: string, more: object = {}) =>
  writeFile(
    join(dir, 'trainyard.config.json'),
    JSON.stringify({ ignores: [{ rule: CODE, path: 'Dockerfile', reason: 'of the base image', expires, ...more }] }),
  )

describe('an ignore', () => {
  test('with a reason and a later day makes its finding count no more, and is shown', async () => {
    expect((await run(...PHASES)).code).toBe(1)
    await ignore('9999-12-31')
    const { code, stdout } = await run(...PHASES)
    expect([code, stdout]).toEqual([0, expect.stringContaining('of the base image (until 9999-12-31)')])
    const github = await run(...PHASES, '--format', 'github')
    expect(github.stdout).not.toContain(CODE)
    expect((await run(...PHASES, '--format', 'sarif')).stdout).toContain('"justification": "of the base image')
  })

  test('that has expired is an error with the day, and its finding counts again', async () => {
    await ignore('2020-01-31')
    const { code, stdout } = await run(...PHASES)
    expect(code).toBe(1)
    expect(stdout).toContain('TY114 trainyard.config.json the ignore of TY205 for "Dockerfile" expired on 2020-01-31')
    expect(stdout).toContain(`warning ${CODE}`)
  })

  test.each([
    ['without a reason', { reason: ' ' }],
    ['without a day', { expires: undefined }],
    ['with a field of another name', { until: '9999-12-31' }],
    ['of no rule', { rule: 'all' }],
  ])('%s is an error', async (_, more) => {
    await ignore('9999-12-31', more)
    expect((await run(...PHASES)).stdout).toContain('error TY114 trainyard.config.json the file is not valid')
  })

  test('of another path, and in the profile of the marketplace, hides nothing', async () => {
    await ignore('9999-12-31', { path: 'docker/' })
    expect((await run(...PHASES)).stdout).toContain(`warning ${CODE}`)
    await ignore('9999-12-31')
    expect((await run('--phase', 'static', '--profile', 'marketplace')).stdout).toContain(`warning ${CODE}`)
  })
})

describe('a baseline', () => {
  test('keeps known findings from failing, and lets new ones fail', async () => {
    const file = join(dir, '..', `${Date.now()}-baseline.json`)
    try {
      expect((await run(...PHASES, '--write-baseline', file)).code).toBe(1)
      expect((await run(...PHASES, '--baseline', file)).code).toBe(0)
      await rm(join(dir, 'LICENSE'))
      const { code, stdout } = await run(...PHASES, '--baseline', file)
      expect([code, stdout]).toEqual([1, expect.stringContaining('warning TY202')])
      // Written again with a baseline, it has both.
      await run(...PHASES, '--baseline', file, '--write-baseline', file)
      expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ findings: [{ code: 'TY202' }, { code: CODE }] })
    } finally {
      await rm(file, { force: true })
    }
  })

  test.each([
    [['--baseline', '/nowhere/base.json'], 'cannot be read'],
    [['--baseline', join(good, 'trainer.json')], 'is not a baseline'],
    [['--profile', 'marketplace', '--baseline', 'x'], 'knows no baseline'],
  ])('%j is wrong usage', async (argv, message) => {
    expect(await run(...argv)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
  })
})

test('since a revision, only findings in changed and new files are shown', async () => {
  const git = (...args: string[]) =>
    promisify(execFile)('git', ['-C', dir, '-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args])
  await git('init', '-q')
  await git('add', '-A')
  await git('commit', '-qm', 'first')
  expect((await run(...PHASES, '--since', 'HEAD')).code).toBe(0)
  await writeFile(join(dir, 'Dockerfile'), `${await readFile(join(dir, 'Dockerfile'), 'utf8')}\n`)
  expect((await run(...PHASES, '--since', 'HEAD')).stdout).toContain(`warning ${CODE}`)
  expect(await run(...PHASES, '--since', 'nowhere')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('nowhere'),
  })
  expect((await run(...PHASES, '--since=--output=/x')).code).toBe(2)
})

describe('a fix', () => {
  beforeEach(async () => {
    const text = await readFile(join(dir, 'trainer.json'), 'utf8')
    const manifest = JSON.parse(text) as { entrypoints: { train: string[] } }
    const line = JSON.stringify(manifest.entrypoints.train.join(' '))
    const entry = text.replace(/("train":\s*)\[[^\]]*\]/, (_, key: string) => `${key}["sh", "-c", ${line}]`)
    await writeFile(join(dir, 'trainer.json'), entry.replace('"framework"', '"framwork"'))
    await writeFile(join(dir, 'Dockerfile'), 'FROM node:24.1.0-slim\nUSER 1000\nCOPY . /app\nCMD node main.js\n')
  })

  test('is shown by a dry run, which changes nothing', async () => {
    const before = await readFile(join(dir, 'trainer.json'), 'utf8')
    const { code, stdout } = await run('--fix', '--dry-run')
    expect(code).toBe(0)
    expect(stdout).toContain('-CMD node main.js\n+CMD ["node", "main.js"]\n')
    expect(stdout).toMatch(/^- +"framwork".*\n\+ +"framework"/m)
    expect(await readFile(join(dir, 'trainer.json'), 'utf8')).toBe(before)
  })

  test('removes the findings, and a second one changes nothing', async () => {
    const { code, stderr } = await run('--fix', ...PHASES)
    expect(stderr).toContain('fixed trainer.json (TY113)')
    expect(code).toBe(0)
    expect((await run('--fix', '--dry-run')).stdout).toBe('')
  })

  test.each(['CMD cd /app && node main.js', 'CMD node "$MAIN"', 'CMD node \\\n  main.js'])(
    'does not touch what needs the shell, or what it cannot read: %j',
    async (line) => {
      await writeFile(join(dir, 'Dockerfile'), `FROM node:24.1.0-slim\nUSER 1000\n${line}\n`)
      await run('--fix', '--phase', 'static')
      expect(await readFile(join(dir, 'Dockerfile'), 'utf8')).toContain(line)
    },
  )
})

test('options that contradict each other are wrong usage', async () => {
  expect((await run('--dry-run')).stderr).toContain('--dry-run without --fix')
  expect((await run('--watch', '--output', 'x')).stderr).toContain('--watch shows its results in the terminal')
})
