import { CLI_EXIT_CODES, type CliIo, type Command } from './command.ts'
import { reportError } from './report-error.ts'
import { cleanText } from './terminal.ts'

interface CommandEntry {
  summary: string
  load(): Promise<{ command: Command }>
}

const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  login: { summary: 'Keep the address of a server, and a token for it', load: () => import('./commands/login.ts') },
  logout: { summary: 'Forget them', load: () => import('./commands/logout.ts') },
  run: { summary: 'Start a job and follow it', load: () => import('./commands/run.ts') },
  jobs: { summary: 'List, show, follow, cancel and restart jobs', load: () => import('./commands/jobs.ts') },
  datasets: { summary: 'Upload datasets, and list those of the server', load: () => import('./commands/datasets.ts') },
  artifacts: { summary: 'Download the files of a job', load: () => import('./commands/artifacts.ts') },
  dataset: {
    summary: 'Convert, split, validate and show datasets',
    load: () => import('./commands/dataset.ts'),
  },
  tokens: { summary: 'Make, list and revoke your tokens', load: () => import('./commands/tokens.ts') },
  init: { summary: 'Begin a trainer in a folder of its own', load: () => import('./commands/init.ts') },
  dev: { summary: 'Run the trainer in this folder, without a platform', load: () => import('./commands/dev.ts') },
  exec: {
    summary: 'Run a program of any language as a trainer',
    load: () => import('./commands/exec.ts'),
  },
  publish: {
    summary: 'Push a trainer to a registry and follow its checks',
    load: () => import('./commands/publish.ts'),
  },
  cache: { summary: 'Look after the datasets that jobs share', load: () => import('./commands/cache.ts') },
  doctor: { summary: 'Show every setting, and what is wrong', load: () => import('./commands/doctor.ts') },
}

const HELP = `Usage: trainyard <command> [options]

Commands:
${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
  .join('\n')}

Options:
  -h, --help     Show this, or the help of a command: trainyard publish --help
  -v, --version  Show the version

Environment:
  TRAINYARD_RUNNER      Address of the runner. Default: TRAINYARD_REGISTRY
  TRAINYARD_REGISTRY    Address of the registry
  TRAINYARD_TOKEN       Token for them
  TRAINYARD_TOKEN_FILE  File that holds the token
`

/** Runs one command line. Resolves with the exit code; never throws. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const [name, ...rest] = args
  if (name === '--help' || name === '-h' || name === 'help') {
    const asked = rest[0] === undefined ? undefined : find(rest[0])
    io.stdout.write(asked ? (await asked.load()).command.help : HELP)
    return CLI_EXIT_CODES.ok
  }
  if (name === '--version' || name === '-v') {
    io.stdout.write(`${await readVersion()}\n`)
    return CLI_EXIT_CODES.ok
  }
  const entry = name === undefined ? undefined : find(name)
  if (entry === undefined) {
    const wrong = name === undefined ? '' : `trainyard: there is no command "${cleanText(name)}"\n\n`
    io.stderr.write(wrong + HELP)
    return CLI_EXIT_CODES.usage
  }
  const { command } = await entry.load()
  if (rest[0] === '--help' || rest[0] === '-h') {
    io.stdout.write(command.help)
    return CLI_EXIT_CODES.ok
  }
  try {
    return await command.run(rest, io)
  } catch (error) {
    return reportError(error, { title: `trainyard ${name}`, json: false, help: command.help }, io)
  }
}

function find(name: string): CommandEntry | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
}

/** The package's own version, wherever the build has put this file in it. */
async function readVersion(): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  for (const path of ['../package.json', '../../package.json']) {
    const text = await readFile(new URL(path, import.meta.url), 'utf8').catch(() => undefined)
    if (text === undefined) continue
    const { name, version } = JSON.parse(text) as { name: string; version: string }
    if (name === 'trainyard') return version
  }
  return 'unknown'
}
