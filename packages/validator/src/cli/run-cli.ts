import { readFile, stat, writeFile } from 'node:fs/promises'
import { type CheckResult, ValidationReport } from '@trainyard/contract'
import { formatDuration } from '@trainyard/contract/format'
import { SANDBOX_CHOICES } from '../compliance/sandbox-choice.ts'
import { parseBaseline, renderBaseline } from '../config/baseline.ts'
import { UsageError } from '../errors.ts'
import { planFixes, renderDiff, writeFixes } from '../fix-folder.ts'
import { RENDERERS } from '../render/formats.ts'
import { renderCheck, renderPretty } from '../render/pretty.ts'
import { validateTarget } from '../validate-target.ts'
import { EXIT_CODE, exitCodeOf } from '../verdict.ts'
import { type Arguments, HELP, readArguments } from './arguments.ts'
import { listChangedFiles } from './changed-files.ts'
import { watchFolder } from './watch-folder.ts'

/** The used part of a stream. */
interface Terminal {
  readonly isTTY?: boolean | undefined
  write(text: string): unknown
}

export interface CliOptions {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: Terminal
  readonly stderr: Terminal
  readonly version: string
  readonly signal?: AbortSignal | undefined
}

/** Runs the command and returns its exit code, which does not depend on the format or the output. */
export async function runCli(options: CliOptions): Promise<number> {
  const { stdout, stderr } = options
  try {
    const args = readArguments(options.argv)
    if (args.command === 'validate') {
      const { target = '.' } = args
      if (args.replay === undefined) return await run({ ...args, target }, options)
      return await run(await readReplay(args, args.replay), options)
    }
    stdout.write(args.command === 'help' ? HELP : `${options.version}\n`)
    return EXIT_CODE.passed
  } catch (error) {
    if (error instanceof UsageError) {
      stderr.write(`trainyard-validate: ${error.message}\nSee trainyard-validate --help\n`)
      return EXIT_CODE.usage
    }
    if (options.signal?.aborted) {
      stderr.write(`trainyard-validate: ${String(options.signal.reason)}\n`)
      return EXIT_CODE.interrupted
    }
    stderr.write(`trainyard-validate failed: ${error instanceof Error ? error.message : String(error)}\n`)
    return EXIT_CODE.toolFailed
  }
}

const MAX_FIX_ROUNDS = 5

/** Fixes first, then validates once, or after each change. */
async function run(args: ValidateArguments, options: CliOptions): Promise<number> {
  const { stdout, signal = new AbortController().signal } = options
  if (args.fix !== undefined) {
    await requireFolder(args.target, '--fix')
    if (args.fix === 'show') {
      for (const file of await planFixes(args.target, args.only)) stdout.write(renderDiff(file))
      return EXIT_CODE.passed
    }
    // A mended file can show what was hidden before.
    for (let round = 0; round < MAX_FIX_ROUNDS; round++) {
      const fixed = await planFixes(args.target, args.only)
      if (fixed.length === 0) break
      await writeFixes(args.target, fixed)
      for (const { file, codes } of fixed) options.stderr.write(`fixed ${file} (${codes.join(', ')})\n`)
    }
  }
  if (!args.watch) return await validate(args, options)
  await requireFolder(args.target, '--watch')
  let code: number = EXIT_CODE.passed
  await watchFolder(
    args.target,
    async () => {
      if (stdout.isTTY) stdout.write('\u001b[2J\u001b[H')
      code = await validate(args, options).catch((error: unknown) => {
        if (!signal.aborted) throw error
        return code
      })
    },
    signal,
  )
  return code
}

async function requireFolder(target: string, option: string): Promise<void> {
  const found = await stat(target).catch(() => undefined)
  if (!found?.isDirectory()) throw new UsageError(`${option} needs the folder of a trainer; "${target}" is none`)
}

type ReadArguments = Extract<Arguments, { command: 'validate' }>
type ValidateArguments = ReadArguments & {
  readonly target: string
  /** The report that is repeated. */
  readonly replayed?: ReplayedReport
}

async function validate(args: ValidateArguments, { env, stdout, stderr, signal }: CliOptions): Promise<number> {
  // In the pretty format on standard output, checks are printed as they finish.
  const live = args.format === 'pretty' && args.output === undefined
  const color = args.color ?? (live && stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb')
  const status = createStatusLine(live && stdout.isTTY === true && args.color !== false ? stdout : undefined)
  const report = await validateTarget({
    target: args.target,
    env,
    profile: args.profile,
    require: args.require,
    sandbox: { choice: args.sandbox },
    only: args.only,
    phases: args.phases,
    seed: args.seed,
    baseline: args.baseline === undefined ? undefined : await readBaseline(args.baseline),
    changedFiles: args.since === undefined ? undefined : await listChangedFiles(args.target, args.since),
    timeoutMs: args.timeoutMs,
    databaseUrl: env.DATABASE_URL || undefined,
    signal,
    onProgress: (text) => status.update(text),
    onCheck: (check: CheckResult) => {
      if (check.status === 'running') return status.start(check.name)
      status.clear()
      if (live) stdout.write(`${renderCheck(check, { color }).join('\n')}\n`)
    },
  })
  status.clear()
  for (const line of describeChanges(report, args)) stderr.write(`trainyard-validate: ${line}\n`)
  if (args.writeBaseline !== undefined) await writeText(args.writeBaseline, renderBaseline(report), '--write-baseline')
  for (const { format, file } of args.reports) await writeText(file, RENDERERS[format](report), '--report')
  if (live) stdout.write(renderRemaining(report, color))
  else await writeReport(report, args, color, stdout, stderr)
  return exitCodeOf(report)
}

/** The summary, and the checks that did not run and so were not printed yet. */
function renderRemaining(report: ValidationReport, color: boolean): string {
  const skipped = report.checks.filter((check) => check.durationMs === undefined)
  const lines = skipped.flatMap((check) => renderCheck(check, { color })).map((line) => `${line}\n`)
  return lines.join('') + renderPretty(report, { color, summaryOnly: true })
}

async function writeReport(
  report: ValidationReport,
  args: ValidateArguments,
  color: boolean,
  stdout: Terminal,
  stderr: Terminal,
): Promise<void> {
  const text = args.format === 'pretty' ? renderPretty(report, { color }) : RENDERERS[args.format](report)
  if (args.output === undefined) {
    stdout.write(text)
    return
  }
  await writeText(args.output, text, '--output')
  stderr.write(`${report.verdict}; report written to ${args.output}\n`)
}

async function writeText(file: string, text: string, option: string): Promise<void> {
  await writeFile(file, text).catch((error: Error) => {
    throw new UsageError(`${option} "${file}" cannot be written: ${error.message}`)
  })
}

async function readBaseline(file: string) {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UsageError(`the baseline "${file}" cannot be read: ${error.message}`)
  })
  return parseBaseline(text, file)
}

/** The arguments of an earlier validation. The format and the output are those of the command. */
async function readReplay(args: ReadArguments, file: string): Promise<ValidateArguments> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UsageError(`the report "${file}" cannot be read: ${error.message}`)
  })
  const replayed = parseReport(text, file)
  const { phases, require, only, timeoutSeconds, sandbox, target } = replayed.run
  const choice = SANDBOX_CHOICES.find((one) => one === sandbox) ?? args.sandbox
  const { profile, seed } = replayed
  const repeated = { profile, seed, phases, require, only, timeoutMs: timeoutSeconds * 1000, sandbox: choice }
  return { ...args, ...repeated, target: args.target ?? target?.given ?? '.', replayed }
}

/** What differs from the report that was repeated, so that another result can come from it. */
function describeChanges({ run }: ValidationReport, { replay, replayed }: ValidateArguments): string[] {
  if (replayed === undefined || run === undefined) return []
  const { target, version, node } = replayed.run
  const changes: string[] = []
  const [then, now] = [target?.digest, run.target?.digest]
  if (then === undefined) changes.push(`the report ${replay} has no digest of its target, which can have changed`)
  else if (then !== now)
    changes.push(
      `the target has changed since the report ${replay} was made: it was ${then}, and is ${now ?? 'unknown'}`,
    )
  if (version !== run.version) changes.push(`the report ${replay} is of version ${version}, and this is ${run.version}`)
  if (node !== run.node) changes.push(`the report ${replay} was made with Node ${node}, and this is ${run.node}`)
  return changes
}

type ReplayedReport = ReturnType<typeof parseReport>

function parseReport(text: string, file: string) {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new UsageError(`the report "${file}" is not JSON; expected a report of --format json`)
  }
  const { data } = ValidationReport.safeParse(json)
  if (data === undefined) throw new UsageError(`"${file}" is not a report; expected the output of --format json`)
  const { run, profile, seed } = data
  if (run === undefined)
    throw new UsageError(`the report "${file}" does not state how it was made; it is of an older version`)
  return { run, profile, seed }
}

/** A line at the bottom of a terminal that shows the current step and its duration. */
function createStatusLine(terminal: Terminal | undefined) {
  let text = ''
  let startedAt = 0
  let timer: NodeJS.Timeout | undefined
  const draw = () => {
    terminal?.write(`\r\u001b[K… ${text} ${formatDuration(performance.now() - startedAt)}`)
  }
  return {
    start(name: string) {
      if (!terminal) return
      text = name
      startedAt = performance.now()
      timer = setInterval(draw, 200)
      timer.unref()
      draw()
    },
    update(progress: string) {
      text = progress
      if (timer) draw()
    },
    clear() {
      clearInterval(timer)
      if (timer) terminal?.write('\r\u001b[K')
      timer = undefined
    },
  }
}
