import { createTrainerFolder } from '@trainyard/client/testing'
import { describe, expect, test } from 'vitest'
import { createPaint } from './terminal/paint.ts'
import { runCommand } from './testing/run-command.ts'
import { VERSION } from './version.ts'

test('prints the list of commands, and the help of each with examples', async () => {
  expect(await runCommand(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('publish') })
  for (const name of ['publish', 'dev']) {
    const help = await runCommand([name, '--help'])
    expect(help).toMatchObject({ code: 0, out: expect.stringContaining('Examples:') })
    expect((await runCommand(['help', name])).out).toBe(help.out)
  }
  expect((await runCommand(['help', 'jobs', 'logs'])).out).toBe((await runCommand(['jobs', 'logs', '42', '-h'])).out)
  expect((await runCommand(['--version'])).out).toBe(`${VERSION}\n`)
})

test.each([
  [[], 'Usage: trainyard <command>'],
  [['publsh'], 'unknown command "publsh"; did you mean "publish"?'],
  [['jbos'], 'unknown command "jbos"; did you mean "jobs"?'],
  [['jobs', 'lss'], 'unknown command "lss"; did you mean "ls"?'],
  [['jobs'], 'missing command; expected one of ls, show'],
  [['constructor'], 'unknown command "constructor"'],
  [['--jobs'], 'unknown option "--jobs"'],
  [['help', 'nonsense'], 'unknown command "nonsense"'],
  [['help', 'jobs', 'lgos'], 'unknown command "lgos"; did you mean "logs"?'],
  [['publish', '--frobnicate'], 'unknown option "--frobnicate"'],
  [['jobs', 'ls', '--sate', 'running'], 'unknown option "--sate"; did you mean "--state"?'],
  [['jobs', 'ls', '--state', 'runing'], '; did you mean "running"?'],
  [['jobs', 'ls', '--limit'], '--limit expects a value: --limit N'],
  [['jobs', 'ls', '--state', '--json'], '--state expects a value, got "--json"'],
  [['jobs', 'ls', '--json=yes'], '--json takes no value, got "yes"'],
  [['jobs', 'ls', '42'], 'unexpected argument "42": expected no arguments, got 1'],
  [['publish'], 'no registry: run "trainyard login URL", use --url URL, or set TRAINYARD_REGISTRY'],
  [['publish', 'a', 'b'], 'unexpected argument "b": expected at most 1 argument, got 2'],
  [['dev', 'evaluate'], 'unknown operation "evaluate": expected train, predict or export'],
  [['dev', 'trian'], 'did you mean "train"?'],
  [['exec', 'train'], 'missing program after "--"'],
  [['completion', 'powershell'], 'SHELL is "powershell": expected bash, zsh or fish'],
])('wrong usage exits with 2 and names the mistake: %j', async (args, message) => {
  const { code, out, err } = await runCommand(args, { env: { HOME: '/nonexistent' } })
  expect(code).toBe(2)
  if (args.includes('--json')) expect(JSON.parse(out).error).toEqual({ code: 'usage', message: expect.any(String) })
  else expect(out).toBe('')
  expect(err).toContain(message)
})

test('wrong usage prints the usage line and where to find help, not the whole help', async () => {
  const { err } = await runCommand(['jobs', 'logs', '42', '--folow'])
  expect(err).toBe(
    'trainyard jobs logs: unknown option "--folow"; did you mean "--follow"?\n' +
      'Usage: trainyard jobs logs JOB [options]\n' +
      'For help: trainyard jobs logs --help\n',
  )
})

test('accepts --registry for --url, its former name', async () => {
  await using folder = await createTrainerFolder()
  for (const option of ['--url', '--registry'])
    expect(await runCommand(['publish', folder.dir, option, 'http://127.0.0.1:1'])).toMatchObject({
      code: 3,
      err: expect.stringContaining('No answer from http://127.0.0.1:1'),
    })
})

describe('colours', () => {
  const paint = (env: Record<string, string>, isTTY = true) =>
    createPaint({ write: () => undefined, isTTY }, env)('red', 'x') !== 'x'

  test('are for terminals, unless NO_COLOR is set', () => {
    expect(paint({})).toBe(true)
    expect(paint({}, false)).toBe(false)
    expect(paint({ NO_COLOR: '1' })).toBe(false)
    expect(paint({ NO_COLOR: '' })).toBe(true)
  })

  test('can be forced on and off', () => {
    expect(paint({ FORCE_COLOR: '1', NO_COLOR: '1' }, false)).toBe(true)
    expect(paint({ FORCE_COLOR: '0' })).toBe(false)
  })
})
