import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from '../command.ts'
import { cleanText } from '../terminal.ts'

const SUBCOMMANDS: Readonly<Record<string, { summary: string; load(): Promise<{ command: Command }> }>> = {
  convert: { summary: 'Write a dataset in another format', load: () => import('./dataset/convert.ts') },
  split: { summary: 'Put images into train, val and test', load: () => import('./dataset/split.ts') },
  validate: {
    summary: 'Count what is in a dataset, and find what is wrong',
    load: () => import('./dataset/validate.ts'),
  },
  show: { summary: 'Draw images with their objects on a contact sheet', load: () => import('./dataset/show.ts') },
}

const help = `Usage: trainyard dataset <command> SRC [DST] [options]

Commands:
${Object.entries(SUBCOMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
  .join('\n')}

SRC is a folder in the format dice, coco, yolo, voc, labelme or imagefolder: which one is told from what is in it.
The help of a command: trainyard dataset convert --help

Examples:
  trainyard dataset validate ./flowers
  trainyard dataset convert ./flowers ./flowers-yolo --to yolo
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const [name = '', ...rest] = args
  const entry = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined
  if (entry === undefined) {
    const wanted = Object.keys(SUBCOMMANDS).join(', ')
    throw new UsageError(
      name === ''
        ? `which command? Wanted is one of ${wanted}`
        : `there is no command "${name}": wanted is one of ${wanted}`,
    )
  }
  const { command: subcommand } = await entry.load()
  if (rest.includes('--help') || rest.includes('-h')) {
    io.stdout.write(subcommand.help)
    return CLI_EXIT_CODES.ok
  }
  try {
    return await subcommand.run(rest, io)
  } catch (error) {
    const isUsage =
      error instanceof UsageError ||
      (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_'))
    const message = error instanceof Error ? error.message : String(error)
    if (!isUsage && rest.includes('--json')) io.stdout.write(`${JSON.stringify({ error: { message } }, null, 2)}\n`)
    else io.stderr.write(`trainyard dataset ${name}: ${cleanText(message)}\n`)
    if (isUsage) io.stderr.write(`\n${subcommand.help}`)
    return isUsage ? CLI_EXIT_CODES.usage : CLI_EXIT_CODES.failed
  }
}
