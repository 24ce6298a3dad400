import { parseArgs } from 'node:util'
import { DatasetFormat } from '../../contract/index.ts'
import { execTrainer } from '../../exec/exec-trainer.ts'
import { type CliIo, type Command, UsageError } from '../command.ts'

const help = `Usage: trainyard exec [options] [local run] -- PROGRAM [ARGUMENTS]

Runs a program of any language as a trainer. It finds its job in the JSON file that TRAINYARD_JOB_FILE names (settings,
dataset folder, work folder, operation, model, checkpoint) and writes one JSON event a line to the file descriptor
whose number is in TRAINYARD_EVENTS_FD:

  {"type":"progress","epoch":1,"metrics":{"loss":0.4}}
  {"type":"checkpoint","name":"best","file":"/path/to/best.bin"}

What it prints becomes log events. A cancel reaches it as SIGTERM. Exit code 0 means done, 3 unusable settings or
dataset (never tried again), anything else a failure. The guide docs/guides/any-language.md lists all events.

Options:
  --as FORMAT      How the dataset comes: dice, coco, yolo, voc, labelme or imagefolder. Default: imagefolder for
                   classification, else dice
  --own            The dataset as a copy in the work folder, for a program that writes among its files
  --pixels KIND    Images also as numbers, gray or rgb: "pixelsFile" in the job file names one JSON object a line
  --grace SECONDS  From SIGTERM to SIGKILL. Default 15
  --allow-nan      A loss of NaN is accepted and does not fail the job
  -h, --help       Show this

On a platform everything else comes from the environment. Without one, what stands before -- describes a local run:
train|predict|export, --dataset DIR, --images DIR, --checkpoint FILE, --epochs N and the other settings.

Examples:
  trainyard exec -- python3 train.py
  trainyard exec train --dataset ./flowers --epochs 3 -- python3 train.py
  trainyard exec predict --images ./pictures --checkpoint runs/1/best.json -- python3 train.py
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const at = args.indexOf('--')
  const [program, ...programArgs] = at < 0 ? [] : args.slice(at + 1)
  if (program === undefined)
    throw new UsageError('which program? It stands behind "--": trainyard exec -- python3 train.py')
  const { values, argv } = takeOwn(args.slice(0, at))
  const seconds = Number(values.grace ?? 15)
  if (!(seconds >= 0 && seconds <= 3600)) {
    throw new UsageError(`--grace is "${values.grace}"; wanted is a number of seconds up to 3600`)
  }
  const { as, pixels } = values
  const format = as === undefined ? undefined : DatasetFormat.options.find((each) => each === as)
  if (as !== format) throw new UsageError(`--as is "${as}"; wanted is one of ${DatasetFormat.options.join(', ')}`)
  if (pixels !== undefined && pixels !== 'gray' && pixels !== 'rgb') {
    throw new UsageError(`--pixels is "${pixels}"; wanted is gray or rgb`)
  }
  return execTrainer({
    command: [program, ...programArgs],
    cwd: io.cwd,
    env: io.env,
    argv,
    as: format,
    own: values.own === true,
    pixels,
    graceMs: seconds * 1000,
    allowNaN: values['allow-nan'] === true,
  })
}

const OPTIONS = {
  as: { type: 'string' },
  own: { type: 'boolean' },
  pixels: { type: 'string' },
  grace: { type: 'string' },
  'allow-nan': { type: 'boolean' },
} as const

/** Takes the options of `exec` out; what is left is for the local run, which has options of its own. */
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
