import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readManifest } from '@trainyard/client/files'
import type { TrainerManifest } from '@trainyard/contract'
import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from '../command.ts'
import { checkEntrypoints, checkFolder, checkNode, checkServer, type DoctorCheck, readToken } from '../doctor/checks.ts'
import { listJobSettings, listVariables, type ShownSetting } from '../doctor/settings.ts'
import { cleanText, createPaint } from '../terminal.ts'

const help = `Usage: trainyard doctor [DIR] [options]

Shows every setting and where it comes from, and checks what a trainer's author needs: Node.js, the trainer in DIR
(default: this folder), registry and runner, folders. Secrets are masked.

Options:
  --json      Print one JSON document instead of lines for people
  -h, --help  Show this

Exit codes: 0 all is well, 1 something is wrong, 2 wrong usage.

Examples:
  trainyard doctor
  TRAINYARD_REGISTRY=http://127.0.0.1:7600 trainyard doctor ./my-trainer
  trainyard doctor --json
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) {
    io.stdout.write(help)
    return CLI_EXIT_CODES.ok
  }
  if (positionals.length > 1) throw new UsageError(`one folder at a time, not ${positionals.length}`)
  const report = await examine(resolve(io.cwd, positionals[0] ?? '.'), io)
  const isWell = report.checks.every(({ status }) => status !== 'problem')
  if (values.json) io.stdout.write(`${JSON.stringify({ ok: isWell, ...report }, null, 2)}\n`)
  else print(report, io)
  return isWell ? CLI_EXIT_CODES.ok : CLI_EXIT_CODES.rejected
}

interface DoctorReport {
  checks: DoctorCheck[]
  variables: ShownSetting[]
  /** As a run in the folder would see them; empty where there is no trainer. */
  settings: ShownSetting[]
}

async function examine(dir: string, io: CliIo): Promise<DoctorReport> {
  const { env } = io
  const { manifest, check: trainer } = await findTrainer(dir)
  const { settings, problem } = manifest ? readSettings(manifest, io) : { settings: [] }
  const { token, check: tokenCheck } = await readToken(io)
  const registryUrl = env.TRAINYARD_REGISTRY
  const runnerUrl = env.TRAINYARD_RUNNER || registryUrl
  const [registry, runner, work, cache] = await Promise.all([
    checkServer({ name: 'Registry', url: registryUrl, setting: 'TRAINYARD_REGISTRY', path: '/v2/', token }),
    checkServer({ name: 'Runner', url: runnerUrl, setting: 'TRAINYARD_RUNNER', path: '/v1/jobs?limit=1' }),
    checkFolder('Work folder', resolve(dir, env.WORK_DIR || 'runs'), 'WORK_DIR'),
    env.DATASET_CACHE_DIR
      ? checkFolder('Dataset cache', resolve(dir, env.DATASET_CACHE_DIR), 'DATASET_CACHE_DIR')
      : { name: 'Dataset cache', status: 'skipped' as const, text: 'DATASET_CACHE_DIR is not set' },
  ])
  const found = [
    checkNode(),
    trainer,
    ...(manifest ? [checkEntrypoints(manifest, { ...io, cwd: dir })] : []),
    ...(problem ? [problem] : []),
    registry,
    runner,
    ...(tokenCheck ? [tokenCheck] : []),
    work,
    cache,
  ]
  return { checks: found, variables: listVariables(env), settings }
}

async function findTrainer(dir: string): Promise<{ manifest?: TrainerManifest; check: DoctorCheck }> {
  const name = 'Trainer'
  try {
    const { manifest } = await readManifest(dir)
    return { manifest, check: { name, status: 'ok', text: `${manifest.name} ${manifest.version}` } }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    if (text.startsWith('There is no')) {
      return { check: { name, status: 'skipped', text: `no trainer.json in ${dir}` } }
    }
    return { check: { name, status: 'problem', text, help: 'Correct trainer.json' } }
  }
}

function readSettings(manifest: TrainerManifest, io: CliIo): { settings: ShownSetting[]; problem?: DoctorCheck } {
  try {
    return { settings: listJobSettings(io.env, manifest) }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    return { settings: [], problem: { name: 'Settings', status: 'problem', text, help: 'Correct it, or take it away' } }
  }
}

const MARKS = { ok: ['green', '✔'], problem: ['red', '✘'], skipped: ['dim', '-'] } as const

function print({ checks, variables, settings }: DoctorReport, io: CliIo): void {
  const paint = createPaint(io.stdout, io.env)
  const say = (line: string) => io.stdout.write(`${line}\n`)
  for (const { name, status, text, help: advice } of checks) {
    const [style, mark] = MARKS[status]
    say(`${paint(style, mark)} ${name.padEnd(14)} ${cleanText(text)}`)
    if (advice !== undefined) say(`  ${' '.repeat(14)} ${paint('dim', advice)}`)
  }
  for (const [title, list] of [
    ['Variables', variables],
    ['Settings of a run here', settings],
  ] as const) {
    if (list.length === 0) continue
    say(`\n${paint('bold', title)}`)
    for (const { name, value, source } of list) {
      const from = source === name ? '' : `  ${paint('dim', source)}`
      say(`  ${name.padEnd(22)} ${cleanText(value)}${value === '(not set)' ? '' : from}`)
    }
  }
  const problems = checks.filter(({ status }) => status === 'problem').length
  say(problems === 0 ? '\nAll is well.' : `\n${problems} ${problems === 1 ? 'thing is' : 'things are'} wrong.`)
}
