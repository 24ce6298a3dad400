import { ExecUsageError, execTrainer, parseExecArguments } from '@trainyard/sdk/exec'
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
  --pixels KIND    Images also as numbers, gray or rgb: "pixelsFile" in the job file names one JSON object a line.
                   Images other than PNG need the package sharp
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
  try {
    return await execTrainer({ ...parseExecArguments(args), cwd: io.cwd, env: io.env })
  } catch (error) {
    if (error instanceof ExecUsageError) throw new UsageError(error.message, { cause: error })
    throw error
  }
}
