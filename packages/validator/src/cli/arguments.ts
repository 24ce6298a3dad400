import { parseArgs } from 'node:util'
import { CheckPhase } from '@trainyard/contract'
import { SANDBOX_CHOICES, type SandboxChoice } from '../compliance/sandbox-choice.ts'
import { UsageError } from '../errors.ts'
import { FORMATS, type Format } from '../render/formats.ts'
import { RULES } from '../rules/index.ts'
import { PROFILES, type Profile } from '../verdict.ts'

/** The parsed command line. */
export type Arguments =
  | { readonly command: 'help' | 'version' }
  | {
      readonly command: 'validate'
      /** A folder, an archive, or the name of an image. Undefined: not given. */
      readonly target: string | undefined
      readonly profile: Profile
      readonly phases: CheckPhase[] | undefined
      readonly require: CheckPhase[]
      readonly only: string[]
      /** The report that is repeated. */
      readonly replay: string | undefined
      readonly format: Format
      readonly output: string | undefined
      /** Files to write in addition. */
      readonly reports: readonly { readonly format: Format; readonly file: string }[]
      /** Known findings, which do not fail the trainer. */
      readonly baseline: string | undefined
      /** Where to write the findings as a baseline. */
      readonly writeBaseline: string | undefined
      /** A revision of git. */
      readonly since: string | undefined
      readonly fix: 'write' | 'show' | undefined
      readonly watch: boolean
      readonly seed: number | undefined
      readonly timeoutMs: number | undefined
      readonly sandbox: SandboxChoice
      /** Undefined: colours if the terminal supports them. */
      readonly color: boolean | undefined
    }

export const HELP = `Checks a trainer with the same rules as the registry.

Usage: trainyard-validate [TARGET] [options]
       trainyard-validate replay REPORT [TARGET] [--format FORMAT] [--output FILE]

  TARGET                 The folder that contains trainer.json. Default: the current folder
                         Or its bundle, an image archive (docker save, OCI layout), or an image by its name with the tag:
                         NAME:TAG (from the container engine, else its registry), docker-daemon:NAME:TAG, docker://NAME:TAG
  --profile PROFILE      author (default): errors fail the trainer; phases may be skipped
                         ci: errors and warnings fail the trainer; every requested phase must run
                         marketplace: errors fail the trainer; every phase must run
  --phase PHASES         Phases to run, separated by commas: static, security, compliance. Default: all
  --require PHASES       Phases that must run, in addition to those of the profile
  --only CODES           Run only rules whose code starts with one of these prefixes, for example TY4 or TY101,TY3
  --since REV            Of the static and security rules, only findings in files that git says have changed since REV
  --baseline FILE        Findings of this file are known and do not fail the trainer
  --write-baseline FILE  Write the findings to a file for --baseline
  --fix                  First make the safe changes of the rules; with --dry-run, show them and change nothing
  --watch                Check again after each change; without --phase only static and security
  --format FORMAT        pretty (default), json, junit, sarif (2.1.0), github (annotations), gitlab (code quality),
                         markdown, html, badge (for shields.io)
  --output FILE          Write the report to a file
  --report FORMAT=FILE   Write the report to a file in addition; can be repeated
  --sandbox MODE         auto (default): run the trainer in the best sandbox of this machine; the report states
                         which. required: fail without a complete one. off: run it with the permissions of the caller
  --seed N               Repeat the images, the labels and the faults of an earlier run
  --timeout SECONDS      Time limit for the whole validation. Default: 180
  --color, --no-color    Default: colours in a terminal, unless NO_COLOR is set
  -h, --help             Show this help
  -v, --version          Show the version

  replay REPORT          Repeat the validation of a JSON report: its target, seed, profile, phases and limits

trainyard.config.json in the trainer's folder can ignore findings: {"ignores": [{"rule": "TY205", "path": "Dockerfile",
"reason": "...", "expires": "2026-12-31"}]}. An expired one is an error. The marketplace ignores nothing.

Exit codes, the same for all formats:
  0  passed
  1  findings at or above the threshold of the profile, or a required phase did not run
  2  wrong usage
  3  the validator itself failed

The compliance run uses the PostgreSQL server at DATABASE_URL, in a temporary schema, or else an embedded server.
`

/** Parses the command line. Throws a {@link UsageError} that names the invalid value. */
export function readArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parse(argv)
  if (values.help) return { command: 'help' }
  if (values.version) return { command: 'version' }
  const replay = positionals[0] === 'replay' ? positionals[1] : undefined
  if (positionals[0] === 'replay' && replay === undefined)
    throw new UsageError('expected the file of a JSON report after "replay"')
  const folders = replay === undefined ? positionals : positionals.slice(2)
  const extra = folders[1]
  if (extra !== undefined) throw new UsageError(`expected one target, got a second one: "${extra}"`)
  const profile = oneOf('--profile', values.profile ?? 'author', Object.keys(PROFILES) as Profile[])
  const only = list(values.only)
  for (const code of only) {
    if (!RULES.some((rule) => rule.code.startsWith(code)))
      throw new UsageError(`--only is "${code}"; no rule has a code that starts with it`)
  }
  requireAllowed(values, profile)
  if (replay !== undefined) requireNoneOf(values, REPLAYED)
  const timeout = values.timeout === undefined ? undefined : number('--timeout', values.timeout, 1, 86_400)
  return {
    command: 'validate',
    target: folders[0],
    replay,
    profile,
    phases:
      values.phase === undefined
        ? values.watch
          ? ['static', 'security']
          : undefined
        : phases('--phase', values.phase),
    require: phases('--require', values.require),
    only,
    format: oneOf('--format', values.format ?? 'pretty', FORMATS),
    output: values.output,
    reports: (values.report ?? []).map(readReportOption),
    sandbox: oneOf('--sandbox', values.sandbox ?? 'auto', SANDBOX_CHOICES),
    baseline: values.baseline,
    writeBaseline: values['write-baseline'],
    since: values.since,
    fix: values.fix ? (values['dry-run'] ? 'show' : 'write') : undefined,
    watch: values.watch ?? false,
    seed: values.seed === undefined ? undefined : number('--seed', values.seed, 0, 2 ** 31 - 1),
    timeoutMs: timeout === undefined ? undefined : timeout * 1000,
    color: values['no-color'] ? false : values.color,
  }
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        profile: text,
        phase: { type: 'string', multiple: true },
        require: { type: 'string', multiple: true },
        only: { type: 'string', multiple: true },
        format: text,
        output: text,
        report: { type: 'string', multiple: true },
        sandbox: text,
        since: text,
        baseline: text,
        'write-baseline': text,
        fix: flag,
        'dry-run': flag,
        watch: flag,
        seed: text,
        timeout: text,
        color: flag,
        'no-color': flag,
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** Options that contradict each other. */
function requireAllowed(values: ReturnType<typeof parse>['values'], profile: Profile): void {
  const { baseline, since, fix, watch, output } = values
  if (values['dry-run'] && !fix) throw new UsageError('--dry-run without --fix: there is nothing to show')
  if (watch && output !== undefined)
    throw new UsageError('--watch shows its results in the terminal; --output is not possible with it')
  if (profile !== 'marketplace') return
  if (baseline !== undefined)
    throw new UsageError('--baseline: the profile marketplace knows no baseline; use the profile ci')
  if (since !== undefined)
    throw new UsageError('--since: the profile marketplace checks every file; use the profile ci')
}

/** What a report says, so that it cannot be given. */
const REPLAYED = ['profile', 'phase', 'require', 'only', 'seed', 'timeout', 'sandbox'] as const

function requireNoneOf(values: ReturnType<typeof parse>['values'], names: typeof REPLAYED): void {
  const given = names.find((name) => values[name] !== undefined)
  if (given !== undefined)
    throw new UsageError(`--${given} cannot be given with "replay", which takes it from the report`)
}

function readReportOption(value: string): { format: Format; file: string } {
  const [, format, file] = /^([a-z]+)=(.+)$/s.exec(value) ?? []
  if (format === undefined || file === undefined)
    throw new UsageError(`--report is "${value}"; expected FORMAT=FILE, for example sarif=report.sarif`)
  return { format: oneOf('--report', format, FORMATS), file }
}

function list(values: readonly string[] | undefined): string[] {
  return (values ?? [])
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '')
}

function phases(flag: string, values: readonly string[] | undefined): CheckPhase[] {
  const named = list(values)
  if (values && named.length === 0)
    throw new UsageError(`${flag} is empty; expected one or more of ${CheckPhase.options.join(', ')}`)
  return named.map((value) => oneOf(flag, value, CheckPhase.options))
}

function oneOf<const T extends string>(flag: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value)
  if (found === undefined) throw new UsageError(`${flag} is "${value}"; expected one of ${allowed.join(', ')}`)
  return found
}

function number(flag: string, value: string, min: number, max: number): number {
  const parsed = /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (!(parsed >= min && parsed <= max))
    throw new UsageError(`${flag} is "${value}"; expected an integer from ${min} to ${max}`)
  return parsed
}
