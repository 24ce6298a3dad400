import { resolve } from 'node:path'
import { NoManifestError, readManifest } from '@trainyard/client/files'
import { isHttpUrl, type TrainerManifest } from '@trainyard/contract'
import { EXIT_CODES } from '../command-line/exit-codes.ts'
import type { CliIo } from '../command-line/io.ts'
import { checkDocker, checkNpm, checkSandbox } from '../doctor/check-machine.ts'
import { checkAuthorities, checkProxy } from '../doctor/check-network.ts'
import { checkLock, checkPythonPackages, checkScripts } from '../doctor/check-project.ts'
import { checkPython } from '../doctor/check-python.ts'
import { checkClock, checkServer } from '../doctor/check-server.ts'
import { checkToken } from '../doctor/check-token.ts'
import { checkEntrypoints, checkFolder, checkNode, type DoctorCheck } from '../doctor/checks.ts'
import { listJobSettings, listVariables, type ShownSetting } from '../doctor/settings.ts'
import { readToken, SAVED_ADDRESS, savedToken } from '../server/connection.ts'
import { readLogin, type SavedLogin } from '../server/login-file.ts'
import { findOwnerToken } from '../server/owner-token.ts'
import { createPaint } from '../terminal/paint.ts'
import { printJson } from '../terminal/table.ts'
import { cleanText, plural } from '../terminal/text.ts'

interface DoctorInput {
  dir: string | undefined
  json: boolean
}

export async function run({ dir = '.', json }: DoctorInput, io: CliIo): Promise<number> {
  const report = await examine(resolve(io.cwd, dir), io)
  const isOk = report.checks.every(({ status }) => status !== 'problem')
  if (json) printJson(io, { ok: isOk, ...report })
  else printReport(report, io)
  return isOk ? EXIT_CODES.ok : EXIT_CODES.negative
}

interface DoctorReport {
  checks: DoctorCheck[]
  variables: ShownSetting[]
  /** The settings of a run in the folder. Empty without a trainer. */
  settings: ShownSetting[]
}

async function examine(dir: string, io: CliIo): Promise<DoctorReport> {
  const { env } = io
  const { manifest, check: trainer } = await findTrainer(dir)
  const { settings, problem } = manifest ? readSettings(manifest, io) : { settings: [], problem: undefined }
  const [machine, project, servers, folders] = await Promise.all([
    examineMachine(dir, manifest, env),
    examineProject(dir, manifest, io),
    examineServers(manifest, io),
    Promise.all([
      checkFolder('Work folder', resolve(dir, env.WORK_DIR || 'runs'), 'WORK_DIR'),
      env.DATASET_CACHE_DIR
        ? checkFolder('Dataset cache', resolve(dir, env.DATASET_CACHE_DIR), 'DATASET_CACHE_DIR')
        : { name: 'Dataset cache', status: 'skipped' as const, text: 'DATASET_CACHE_DIR is not set' },
    ]),
  ])
  const checks = [...machine, trainer, ...project, problem, ...servers, ...folders]
  return { checks: checks.filter((check) => check !== undefined), variables: listVariables(env), settings }
}

type Found = DoctorCheck | undefined

async function examineMachine(dir: string, manifest: TrainerManifest | undefined, env: CliIo['env']): Promise<Found[]> {
  const [npm, python, docker, sandbox] = await Promise.all([
    checkNpm(dir, env),
    checkPython(manifest, env),
    checkDocker(env),
    checkSandbox(env),
  ])
  return [checkNode(), npm, ...python, docker, sandbox]
}

async function examineProject(dir: string, manifest: TrainerManifest | undefined, io: CliIo): Promise<Found[]> {
  const lock = await checkLock(dir)
  if (manifest === undefined) return [lock]
  // An environment brings its own programs.
  const programs = manifest.runtime === undefined ? checkEntrypoints(manifest, { ...io, cwd: dir }) : undefined
  return [programs, checkScripts(dir, manifest), lock, await checkPythonPackages(dir, manifest)]
}

async function examineServers(manifest: TrainerManifest | undefined, io: CliIo): Promise<Found[]> {
  const { env } = io
  const { token: givenToken, check: tokenCheck } = await findToken(io)
  const { login, check: loginCheck } = await findLogin(env)
  const registryUrl = env.TRAINYARD_REGISTRY || (login?.registryUrl ?? login?.url)
  const runnerUrl = env.TRAINYARD_RUNNER || env.TRAINYARD_REGISTRY || login?.url
  const ownToken = givenToken ?? (registryUrl && isHttpUrl(registryUrl) ? savedToken(login, registryUrl) : undefined)
  const token = ownToken ?? (runnerUrl && isHttpUrl(runnerUrl) ? await findOwnerToken(runnerUrl, env) : undefined)
  const settingOf = (name: string, isSet: boolean) => (isSet || !login ? name : SAVED_ADDRESS)
  const registrySetting = settingOf('TRAINYARD_REGISTRY', Boolean(env.TRAINYARD_REGISTRY))
  const runnerSetting = settingOf('TRAINYARD_RUNNER', Boolean(env.TRAINYARD_RUNNER || env.TRAINYARD_REGISTRY))
  const [proxy, authorities, registry, runner, permissions] = await Promise.all([
    checkProxy(env),
    checkAuthorities(env),
    checkServer({ name: 'Registry', url: registryUrl, setting: registrySetting, path: '/v2/', token }),
    checkServer({ name: 'Runner', url: runnerUrl, setting: runnerSetting, path: '/v1/jobs?limit=1', token }),
    checkToken({ url: runnerUrl || registryUrl, token, manifest }),
  ])
  const clock = checkClock([runner, registry])
  return [proxy, authorities, loginCheck, registry.check, runner.check, clock, tokenCheck ?? permissions]
}

async function findTrainer(dir: string): Promise<{ manifest: TrainerManifest | undefined; check: DoctorCheck }> {
  const name = 'Trainer'
  try {
    const { manifest } = await readManifest(dir)
    return { manifest, check: { name, status: 'ok', text: `${manifest.name} ${manifest.version}` } }
  } catch (error) {
    const check: DoctorCheck =
      error instanceof NoManifestError
        ? { name, status: 'skipped', text: `no trainer.json in ${dir}` }
        : { name, status: 'problem', text: messageOf(error), help: 'Correct trainer.json' }
    return { manifest: undefined, check }
  }
}

function readSettings(
  manifest: TrainerManifest,
  io: CliIo,
): { settings: ShownSetting[]; problem: DoctorCheck | undefined } {
  try {
    return { settings: listJobSettings(io.env, manifest), problem: undefined }
  } catch (error) {
    const help = 'Correct or remove the setting'
    return { settings: [], problem: { name: 'Settings', status: 'problem', text: messageOf(error), help } }
  }
}

async function findToken(io: CliIo): Promise<{ token: string | undefined; check: DoctorCheck | undefined }> {
  try {
    return { token: await readToken(io), check: undefined }
  } catch (error) {
    const help = 'Write the token to this file, or set TRAINYARD_TOKEN_FILE to another file'
    return { token: undefined, check: { name: 'Token', status: 'problem', text: messageOf(error), help } }
  }
}

async function findLogin(
  env: CliIo['env'],
): Promise<{ login: SavedLogin | undefined; check: DoctorCheck | undefined }> {
  try {
    return { login: await readLogin(env), check: undefined }
  } catch (error) {
    const check: DoctorCheck = { name: 'Login', status: 'problem', text: messageOf(error) }
    return { login: undefined, check }
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const MARKS = { ok: ['green', '✔'], problem: ['red', '✘'], skipped: ['dim', '-'] } as const

function printReport({ checks, variables, settings }: DoctorReport, io: CliIo): void {
  const paint = createPaint(io.stdout, io.env)
  const print = (line: string) => io.stdout.write(`${line}\n`)
  for (const { name, status, text, help } of checks) {
    const [style, mark] = MARKS[status]
    print(`${paint(style, mark)} ${name.padEnd(14)} ${cleanText(text)}`)
    if (help !== undefined) print(`  ${' '.repeat(14)} ${paint('dim', help)}`)
  }
  for (const [title, list] of [
    ['Variables', variables],
    ['Settings of a run in this folder', settings],
  ] as const) {
    if (list.length === 0) continue
    print(`\n${paint('bold', title)}`)
    for (const { name, value, source } of list) {
      const from = source === name || value === '(not set)' ? '' : `  ${paint('dim', source)}`
      print(`  ${name.padEnd(22)} ${cleanText(value)}${from}`)
    }
  }
  const problems = checks.filter(({ status }) => status === 'problem').length
  print(`\n${problems === 0 ? 'No problems.' : `${plural(problems, 'problem')}.`}`)
}
