import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  ArtifactKind,
  DatasetFormat,
  JobState,
  LogLevel,
  Operation,
  RescannedCheck,
  SplitName,
  TASK_TYPE_ALIASES,
  TargetFormat,
  TaskType,
  WebhookTopic,
} from '@trainyard/contract'
import { parseExecArguments } from '@trainyard/sdk/exec'
import { describe, expect, test } from 'vitest'
import type { Command } from '../command-line/command.ts'
import { EXIT_CODES } from '../command-line/exit-codes.ts'
import { readCommandLine } from '../command-line/parse.ts'
import { runCommand } from '../testing/run-command.ts'
import * as choices from './choices.ts'
import { PROGRAM } from './index.ts'

interface NamedCommand {
  path: string[]
  command: Command
}

const groups = Object.entries(PROGRAM.commands).filter(([, entry]) => entry.kind === 'group')
const commands = Object.entries(PROGRAM.commands).flatMap(([name, entry]): NamedCommand[] =>
  entry.kind === 'command'
    ? [{ path: [name], command: entry }]
    : Object.entries(entry.commands).map(([subname, command]) => ({ path: [name, subname], command })),
)

/** The arguments of an example: without variables before it, and without what its shell handles. */
function argumentsOf(example: string): string[] {
  const words = [...example.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? '',
  )
  const end = words.findIndex((word) => ['<', '>', '|'].includes(word))
  const [program, ...args] = words.slice(words.indexOf('trainyard'), end < 0 ? undefined : end)
  expect(program, example).toBe('trainyard')
  return args
}

describe.each(commands.map((each) => ({ ...each, name: each.path.join(' ') })))('$name', ({ path, command }) => {
  test('has help with its arguments, options and examples', async () => {
    const { code, out } = await runCommand([...path, '--help'])
    expect(code).toBe(0)
    expect(out).toContain(`Usage: trainyard ${path.join(' ')} `)
    for (const [name, { placeholder, short }] of Object.entries(command.options)) {
      expect(out).toContain(placeholder === undefined ? `--${name}` : `--${name} ${placeholder}`)
      if (short !== undefined) expect(out).toContain(`-${short}, --${name}`)
    }
    for (const { placeholder } of Object.values(command.arguments)) expect(out).toContain(`  ${placeholder} `)
    for (const example of command.examples) expect(out).toContain(`  ${example}\n`)
    expect(command.examples.length).toBeGreaterThan(0)
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100)
  })

  test('has examples that parse', () => {
    for (const example of command.examples) {
      const args = argumentsOf(example)
      expect(args.slice(0, path.length)).toEqual(path)
      const own = args.slice(path.length)
      if (path[0] === 'exec') expect(parseExecArguments(own).command[0]).toBe('python3')
      else if (!command.isRaw) readCommandLine(command, own)
    }
  })
})

test.each(groups)('%s lists its commands and has examples of them', async (name, group) => {
  const { code, out } = await runCommand([name, '--help'])
  expect(code).toBe(0)
  if (group.kind !== 'group') return
  for (const [subname, { summary }] of Object.entries(group.commands))
    expect(out).toMatch(new RegExp(`^  ${subname} +${summary.replace(/[()]/g, '\\$&')}$`, 'm'))
  for (const example of group.examples) {
    const [first, second = '', ...rest] = argumentsOf(example)
    const command = group.commands[second]
    expect([first, command?.kind]).toEqual([name, 'command'])
    if (command !== undefined) readCommandLine(command, rest)
  }
})

test('the sections of the help contain every command once', () => {
  expect(Object.values(PROGRAM.sections).flat().toSorted()).toEqual(Object.keys(PROGRAM.commands).toSorted())
})

test('every command has --quiet and --json, and documents the keys of its JSON', () => {
  const own = ['dev', 'exec', 'completion']
  const named = commands
    .map(({ path, command }) => ({ name: path.join(' '), command }))
    .filter(({ name }) => !own.includes(name))
  for (const { name, command } of named)
    expect([name, Object.keys(command.options)]).toEqual([name, expect.arrayContaining(['json', 'quiet'])])
  expect(Object.keys(PROGRAM.json).toSorted()).toEqual(named.map(({ name }) => name).toSorted())
})

test('exec declares the options that it parses', () => {
  const exec = PROGRAM.commands.exec
  const values = { as: 'coco', own: undefined, pixels: 'rgb', grace: '3', 'allow-nan': undefined }
  expect(exec?.kind === 'command' && Object.keys(exec.options)).toEqual(Object.keys(values))
  const args = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [`--${name}`] : [`--${name}`, value],
  )
  expect(parseExecArguments([...args, '--', 'x'])).toMatchObject({ argv: [], as: 'coco', pixels: 'rgb', graceMs: 3000 })
})

test('the words of options are those of the contract', () => {
  expect(choices.ARTIFACT_KINDS).toEqual(ArtifactKind.options)
  expect(choices.DATASET_FORMATS).toEqual(DatasetFormat.options)
  expect(choices.TARGET_FORMATS).toEqual(TargetFormat.options)
  expect(choices.JOB_STATES).toEqual(JobState.options)
  expect(choices.LOG_LEVELS).toEqual(LogLevel.options)
  expect(choices.OPERATIONS).toEqual(Operation.options)
  expect(choices.SPLIT_NAMES).toEqual(SplitName.options)
  expect(choices.TASK_TYPES).toEqual(TaskType.options)
  expect(choices.WEBHOOK_TOPICS).toEqual(WebhookTopic.options)
  expect(choices.RESCANNED_CHECKS).toEqual(RescannedCheck.options)
  expect(choices.TASK_ALIASES).toEqual(TASK_TYPE_ALIASES)
})

test('the README lists commands, exit codes and variables as they are', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
  const rowsOf = (section: string) => {
    const [, text = ''] = readme.split(`## ${section}\n`)
    return [...(text.split('\n## ')[0] ?? '').matchAll(/^\| (.+) \| (.+) \|$/gm)].slice(1).map(([, a, b]) => [a, b])
  }
  const names = Object.values(PROGRAM.sections).flat()
  expect(rowsOf('Commands')).toEqual(names.map((name) => [`\`${name}\``, PROGRAM.commands[name]?.summary]))
  expect(rowsOf('Exit codes').map(([code]) => Number(code))).toEqual(Object.values(EXIT_CODES))
  const variables = Object.entries(PROGRAM.environment).map(([name, text]) => [`\`${name}\``, text])
  expect(rowsOf('Environment')).toEqual(variables)
})
