import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../../testing/run-command.ts'

let dir: string
const scripts: Record<string, string> = {}
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'trainyard-completion-'))
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, out } = await runCommand(['completion', shell])
    expect(code).toBe(0)
    scripts[shell] = join(dir, shell)
    writeFileSync(join(dir, shell), out)
  }
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const isMissing = (shell: string) => spawnSync(shell, ['--version']).error !== undefined

function shell(program: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', cwd: dir })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return stdout.trim().split('\n').filter(Boolean)
}

describe.skipIf(isMissing('bash'))('bash', () => {
  /** What bash completes for these words; the last one is being typed. */
  function complete(...words: string[]) {
    const quoted = words.map((word) => `'${word}'`).join(' ')
    return shell(
      'bash',
      '-c',
      `source ${scripts.bash}; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _trainyard; printf '%s\\n' "\${COMPREPLY[@]}"`,
    )
  }

  test('the script is valid', () => {
    expect(shell('bash', '-n', scripts.bash ?? '')).toEqual([])
  })

  test.each([
    [['trainyard', 'j'], ['jobs']],
    [
      ['trainyard', 'jobs', 'l'],
      ['ls', 'logs'],
    ],
    [['trainyard', 'jobs', 'ls', '--st'], ['--state']],
    [['trainyard', 'jobs', 'ls', '--state', 'r'], ['running']],
    [['trainyard', 'jobs', 'ls', '--state', '=', 'f'], ['failed']],
    [['trainyard', 'publish', '--re'], ['--registry']],
    [['trainyard', 'dataset', 'convert', 'a', 'b', '--to', 'y'], ['yolo']],
    [
      ['trainyard', 'completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['trainyard', 'dev', 'p'], ['predict']],
    [['trainyard', 'jobs', 'show', ''], []],
  ])('completes %j', (words, expected) => {
    expect(complete(...words)).toEqual(expected)
  })
})

describe.skipIf(isMissing('zsh'))('zsh', () => {
  test('the script is valid', () => {
    expect(shell('zsh', '-n', scripts.zsh ?? '')).toEqual([])
  })
})

describe.skipIf(isMissing('fish'))('fish', () => {
  const complete = (line: string) =>
    shell('fish', '-c', `source ${scripts.fish}; complete -C '${line}'`).map((each) => each.split('\t')[0])

  test('the script is valid', () => {
    expect(shell('fish', '--no-execute', scripts.fish ?? '')).toEqual([])
  })

  test.each([
    ['trainyard jo', ['jobs']],
    ['trainyard jobs l', ['logs', 'ls']],
    ['trainyard jobs ls --state r', ['running']],
    ['trainyard jobs ls --sta', ['--state']],
    ['trainyard completion z', ['zsh']],
  ])('completes %s', (line, expected) => {
    expect(complete(line)).toEqual(expected)
  })
})

test('every script offers every command', async () => {
  const names = ['run', 'jobs', 'artifacts', 'datasets', 'dataset', 'init', 'publish', 'login', 'cache', 'completion']
  for (const each of ['bash', 'zsh', 'fish']) {
    const { out } = await runCommand(['completion', each])
    for (const name of names) expect(out).toMatch(new RegExp(`\\b${name}\\b`))
  }
})
