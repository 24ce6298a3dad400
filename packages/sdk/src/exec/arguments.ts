import { parseArgs } from 'node:util'
import { TargetFormat } from '@trainyard/contract'
import type { ExecTrainerOptions } from './exec-trainer.ts'

/** The arguments of `trainyard exec` are invalid. The message names the argument and the expected value. */
export class ExecUsageError extends Error {}

const OPTIONS = {
  as: { type: 'string' },
  own: { type: 'boolean' },
  pixels: { type: 'string' },
  grace: { type: 'string' },
  'allow-nan': { type: 'boolean' },
} as const

/** Parses `[options] [arguments of a local run] -- PROGRAM [ARGUMENTS]`. Throws {@link ExecUsageError}. */
export function parseExecArguments(args: readonly string[]): Omit<ExecTrainerOptions, 'cwd' | 'env'> {
  const at = args.indexOf('--')
  const [program, ...programArgs] = at < 0 ? [] : args.slice(at + 1)
  if (program === undefined) {
    throw new ExecUsageError('missing program after "--", for example: trainyard exec -- python3 train.py')
  }
  const { values, argv } = takeOwn(args.slice(0, at))
  const seconds = Number(values.grace ?? 15)
  if (!(seconds >= 0 && seconds <= 3600)) {
    throw new ExecUsageError(`--grace is "${values.grace}"; expected a number of seconds from 0 to 3600`)
  }
  const { as, pixels } = values
  const format = as === undefined ? undefined : TargetFormat.options.find((each) => each === as)
  if (as !== format) throw new ExecUsageError(`--as is "${as}"; expected one of ${TargetFormat.options.join(', ')}`)
  if (pixels !== undefined && pixels !== 'gray' && pixels !== 'rgb') {
    throw new ExecUsageError(`--pixels is "${pixels}"; expected gray or rgb`)
  }
  return {
    command: [program, ...programArgs],
    argv,
    as: format,
    own: values.own === true,
    pixels,
    graceMs: seconds * 1000,
    allowNaN: values['allow-nan'] === true,
  }
}

/** Separates the options of `exec` from the arguments of the local run, which has options of its own. */
function takeOwn(args: string[]) {
  const { tokens } = parseArgs({ args, options: OPTIONS, strict: false, allowPositionals: true, tokens: true })
  const taken = new Set<number>()
  for (const token of tokens) {
    if (token.kind !== 'option' || !Object.hasOwn(OPTIONS, token.name)) continue
    taken.add(token.index)
    if (token.value !== undefined && token.inlineValue === false) taken.add(token.index + 1)
  }
  const { values } = parseArgs({ args: args.filter((_, index) => taken.has(index)), options: OPTIONS })
  return { values, argv: args.filter((_, index) => !taken.has(index)) }
}
