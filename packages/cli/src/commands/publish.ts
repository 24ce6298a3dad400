import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createClient, TrainyardClientError } from '@trainyard/client'
import { type PublishResult, publishTrainer } from '@trainyard/client/files'
import type { Check } from '@trainyard/contract'
import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from '../command.ts'
import { readToken, savedToken } from '../connection.ts'
import { interruptible } from '../interrupt.ts'
import { createTextView, type PublishView, silentView } from '../publish-view.ts'
import { readLogin } from '../settings-file.ts'
import { printJson } from '../table.ts'

const help = `Usage: trainyard publish [DIR] [options]

Packs the trainer in DIR (default: this folder), pushes it, and follows its acceptance checks.
Left out: node_modules, .git, runs, .trainyard, .env, and what .trainyardignore lists (as in .gitignore).

Options:
  --registry URL  Address of the registry. Default: TRAINYARD_REGISTRY, or what "trainyard login" keeps
  --token TOKEN   Token with the scope push:<namespace>. Default: TRAINYARD_TOKEN, or what TRAINYARD_TOKEN_FILE holds.
                  Other users of the machine can see a command line: prefer the variables.
  --no-wait       Do not wait for the checks
  --json          Print one JSON document instead of lines for people
  -h, --help      Show this

Exit codes: 0 published, 1 rejected, 2 wrong usage, 3 failure.

Examples:
  trainyard publish
  trainyard publish ./my-trainer --registry http://127.0.0.1:7600
  TRAINYARD_TOKEN_FILE=~/.trainyard-token trainyard publish --json
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      registry: { type: 'string' },
      token: { type: 'string' },
      'no-wait': { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) {
    io.stdout.write(help)
    return CLI_EXIT_CODES.ok
  }
  if (positionals.length > 1) throw new UsageError(`one folder at a time, not ${positionals.length}`)
  const login = await readLogin(io.env)
  const registryUrl = values.registry ?? io.env.TRAINYARD_REGISTRY ?? login?.registryUrl ?? login?.url
  if (!registryUrl)
    throw new UsageError('which registry? Give --registry URL, set TRAINYARD_REGISTRY, or run "trainyard login URL"')
  try {
    return await interruptible(async (signal) => {
      const token = values.token ?? (await readToken(io)) ?? savedToken(login, registryUrl)
      const view = values.json ? silentView : createTextView(io)
      const result = await publishTrainer({
        dir: resolve(io.cwd, positionals[0] ?? '.'),
        ...{ registryUrl, token, signal },
        onProgress: view.progress,
      })
      view.pushed(result)
      const check = values['no-wait'] ? undefined : await followChecks({ registryUrl, token, result, view, signal })
      if (values.json) printJson(io, { ...result, ...(check ? { state: check.state, checks: check.checks } : {}) })
      return check?.state === 'rejected' ? CLI_EXIT_CODES.rejected : CLI_EXIT_CODES.ok
    })
  } catch (error) {
    if (!values.json || !(error instanceof Error)) throw error
    const code = error instanceof TrainyardClientError ? error.code : 'failed'
    printJson(io, { error: { code, message: error.message } })
    return CLI_EXIT_CODES.failed
  }
}

async function followChecks(options: {
  registryUrl: string
  token: string | undefined
  result: PublishResult
  view: PublishView
  signal: AbortSignal
}): Promise<Check | undefined> {
  const { result, view } = options
  if (result.checkId === undefined) return undefined
  const client = createClient({ registryUrl: options.registryUrl, token: options.token })
  let last: Check | undefined
  for await (const check of client.checks.live(result.checkId, { signal: options.signal })) {
    last = check
    view.check(check)
  }
  options.signal.throwIfAborted()
  // A server that closed without a verdict still knows it.
  last = last === undefined || last.finishedAt === undefined ? await client.checks.get(result.checkId) : last
  if (last.state === 'received' || last.state === 'checking')
    throw new TrainyardClientError(
      'undecided',
      `The checks of ${last.trainer}@${last.version} are not over: look again later`,
    )
  view.check(last)
  view.verdict(last)
  return last
}
