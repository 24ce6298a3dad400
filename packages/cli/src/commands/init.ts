import { execFileSync } from 'node:child_process'
import { userInfo } from 'node:os'
import { basename, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { TrainerManifest } from '@trainyard/contract'
import { writeTestDataset } from '@trainyard/datasets'
import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from '../command.ts'
import { createFiles, NEXT_STEPS, TEMPLATE_NAMES, type TemplateName } from '../init/create-files.ts'
import { writeFolder, writeTexts } from '../init/write-files.ts'
import { createPaint } from '../terminal.ts'

const help = `Usage: trainyard init [DIR] [options]

Begins a trainer in DIR (default: this folder): a whole one that learns something small, with a manifest, tests, a
Dockerfile and pictures to try it with. Nothing that is there is touched.

Options:
  --template NAME  typescript (default), or python: a program that needs no library, under trainyard exec
  --name NS/NAME   Name in the registry. Default: your user name and the folder's
  --force          Write over files that are in the way
  -h, --help       Show this

Examples:
  trainyard init flower-classifier
  trainyard init --template python --name acme/flower-classifier
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      template: { type: 'string' },
      name: { type: 'string' },
      force: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) {
    io.stdout.write(help)
    return CLI_EXIT_CODES.ok
  }
  if (positionals.length > 1) throw new UsageError(`one folder at a time, not ${positionals.length}`)
  const dir = resolve(io.cwd, positionals[0] ?? '.')
  const template = readTemplate(values.template ?? 'typescript')
  const name = readName(values.name, dir)
  const files = createFiles({ template, name, author: findAuthor(io) })
  await writeFolder(dir, {
    force: values.force === true,
    async fill(draft) {
      await writeTexts(draft, files)
      await writeTestDataset(join(draft, 'sample-data'))
    },
  })
  const paint = createPaint(io.stdout, io.env)
  const path = relative(io.cwd, dir)
  const steps = [...(path === '' ? [] : [`cd ${path}`]), ...NEXT_STEPS[template]]
  io.stdout.write(`${paint('bold', name)} is in ${dir}. Next:\n\n${steps.map((step) => `  ${step}\n`).join('')}`)
  return CLI_EXIT_CODES.ok
}

function readTemplate(text: string): TemplateName {
  const found = TEMPLATE_NAMES.find((name) => name === text)
  if (found === undefined) throw new UsageError(`there is no template "${text}": wanted ${TEMPLATE_NAMES.join(' or ')}`)
  return found
}

function readName(given: string | undefined, dir: string): string {
  const name = given ?? `${toPart(userInfo().username, 'me')}/${toPart(basename(dir), 'trainer')}`
  const parsed = TrainerManifest.shape.name.safeParse(name)
  if (parsed.success) return parsed.data
  throw new UsageError(`--name is "${name}"; it ${parsed.error.issues[0]?.message ?? 'is not a name'}`)
}

function toPart(text: string, otherwise: string): string {
  const part = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64)
  return part === '' ? otherwise : part.replace(/-+$/, '')
}

/** Who git says it is, else the user of this machine. */
function findAuthor(io: CliIo): string {
  try {
    const name = execFileSync('git', ['config', 'user.name'], { cwd: io.cwd, stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim()
    if (name !== '') return name
  } catch {
    // No git, or no name in it.
  }
  return userInfo().username
}
