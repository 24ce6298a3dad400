import { resolve } from 'node:path'
import { DatasetFormat, TASK_TYPE_ALIASES, TaskType } from '@trainyard/contract'
import { parseChoice } from '../../arguments.ts'
import { type CliIo, UsageError } from '../../command.ts'

/** Options that every command has. */
export const commonOptions = {
  from: { type: 'string' },
  task: { type: 'string' },
  'voc-one-based': { type: 'boolean' },
  json: { type: 'boolean' },
} as const

export const COMMON_HELP = `  --from FORMAT    Format of SRC: dice, coco, yolo, voc, labelme, imagefolder. Default: told from what is in it
  --task TASK      detection, segmentation, pose, obb or classification. Default: what SRC says
  --voc-one-based  Pascal VOC counts pixels from 1, as its devkit does. Default: from 0
  --json           Print one JSON document instead of lines for people
  -h, --help       Show this`

/** SRC and, where the command has one, DST: absolute. */
export function parsePlaces(
  positionals: readonly string[],
  io: CliIo,
  most: 1 | 2,
): { source: string; target: string | undefined } {
  const [source, target, ...others] = positionals
  if (source === undefined) throw new UsageError('which dataset? Give its folder')
  if (others.length > 0 || (most === 1 && target !== undefined))
    throw new UsageError(
      `${positionals.length} places are given, wanted ${most === 1 ? 'is 1' : `are at most ${most}`}`,
    )
  return { source: resolve(io.cwd, source), target: target === undefined ? undefined : resolve(io.cwd, target) }
}

export function parseFormat(text: string | undefined, option: string): DatasetFormat | undefined {
  return text === undefined ? undefined : parseChoice(text, DatasetFormat.options, option)
}

export function parseTask(text: string | undefined): TaskType | undefined {
  return text === undefined ? undefined : parseChoice(TASK_TYPE_ALIASES[text] ?? text, TaskType.options, '--task')
}
