import { parseArgs } from 'node:util'
import { CheckPhase } from '@trainyard/contract'
import { SANDBOX_CHOICES, type SandboxChoice } from '../compliance/sandbox-choice.ts'
import { UsageError } from '../errors.ts'
import { RULES } from '../rules/index.ts'
import { PROFILES, type Profile } from '../verdict.ts'

/** What was asked for on the command line. */
export type Arguments =
  | { readonly command: 'help' | 'version' }
  | {
      readonly command: 'validate'
      readonly dir: string
      readonly profile: Profile
      readonly phases: CheckPhase[] | undefined
      readonly require: CheckPhase[]
      readonly only: string[]
      readonly format: 'pretty' | 'json'
      readonly output: string | undefined
      readonly seed: number | undefined
      readonly timeoutMs: number | undefined
      readonly sandbox: SandboxChoice
      /** Undefined: as the terminal can. */
      readonly color: boolean | undefined
    }

export const HELP = `Checks a trainer as the registry does.

  trainyard-validate [DIR] [options]

  DIR                    the folder that holds trainer.json (default: the current one)
  --profile PROFILE      author (default): errors fail; compliance may be skipped
                         ci: warnings fail too; every phase asked for must have run
                         marketplace: errors fail; every phase must have run
  --phase PHASES         static, security, compliance; separated by commas (default: all)
  --require PHASES       phases that must have run, beside those of the profile
  --only CODES           rules whose code begins so, for example TY4 or TY101,TY3
  --format FORMAT        pretty (default) or json
  --output FILE          writes the report into a file
  --sandbox HOW          auto (default): the trainer runs in bubblewrap where that can be used; the report says
                         when not · required: only there · off: as a process that can do what you can
  --seed N               repeats the faults of an earlier run
  --timeout SECONDS      time for everything (default: 180)
  --color, --no-color    colours (default: in a terminal, unless NO_COLOR is set)
  --help, --version

Exit codes: 0 passed · 1 findings at or above the profile's threshold, or a required check did not run ·
2 wrong usage · 3 the validator itself failed
With DATABASE_URL the compliance run uses that PostgreSQL (in a schema of its own, dropped afterwards).
`

/** Reads the command line; throws {@link UsageError} naming the value that cannot be used. */
export function readArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parse(argv)
  if (values.help) return { command: 'help' }
  if (values.version) return { command: 'version' }
  const extra = positionals[1]
  if (extra !== undefined) throw new UsageError(`one folder is wanted, "${extra}" is a second one`)
  const profile = oneOf('--profile', values.profile ?? 'author', Object.keys(PROFILES) as Profile[])
  const only = list(values.only)
  for (const code of only) {
    if (!RULES.some((rule) => rule.code.startsWith(code)))
      throw new UsageError(`--only: no rule's code begins with "${code}"`)
  }
  const timeout = values.timeout === undefined ? undefined : number('--timeout', values.timeout, 1, 86_400)
  return {
    command: 'validate',
    dir: positionals[0] ?? '.',
    profile,
    phases: values.phase === undefined ? undefined : phases('--phase', values.phase),
    require: phases('--require', values.require),
    only,
    format: oneOf('--format', values.format ?? 'pretty', ['pretty', 'json'] as const),
    output: values.output,
    sandbox: oneOf('--sandbox', values.sandbox ?? 'auto', SANDBOX_CHOICES),
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
        sandbox: text,
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

function list(values: readonly string[] | undefined): string[] {
  return (values ?? [])
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '')
}

function phases(flag: string, values: readonly string[] | undefined): CheckPhase[] {
  const named = list(values)
  if (values && named.length === 0)
    throw new UsageError(`${flag} names no phase; wanted: ${CheckPhase.options.join(', ')}`)
  return named.map((value) => oneOf(flag, value, CheckPhase.options))
}

function oneOf<const T extends string>(flag: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value)
  if (found === undefined) throw new UsageError(`${flag} is "${value}"; wanted: ${allowed.join(', ')}`)
  return found
}

function number(flag: string, value: string, min: number, max: number): number {
  const parsed = /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (!(parsed >= min && parsed <= max))
    throw new UsageError(`${flag} is "${value}"; wanted: a whole number from ${min} to ${max}`)
  return parsed
}
