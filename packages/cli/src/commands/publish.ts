import { resolve } from 'node:path'
import { createClient, TrainyardClientError } from '@trainyard/client'
import { publishTrainer } from '@trainyard/client/files'
import type { Check } from '@trainyard/contract'
import { EXIT_CODES } from '../command-line/exit-codes.ts'
import type { CliIo } from '../command-line/io.ts'
import { type PublishView, silentView, TextView } from '../publish/publish-view.ts'
import { findRegistry, type ServerValues } from '../server/connection.ts'
import { interruptible } from '../terminal/interruptible.ts'
import { printJson } from '../terminal/table.ts'

interface PublishInput extends ServerValues {
  dir: string | undefined
  noWait: boolean
  json: boolean
}

export async function run({ dir = '.', noWait, json, ...server }: PublishInput, io: CliIo): Promise<number> {
  const registry = await findRegistry(server, io)
  const view = json ? silentView : new TextView(io)
  return interruptible(async (signal) => {
    const result = await publishTrainer({
      dir: resolve(io.cwd, dir),
      registryUrl: registry.registryUrl,
      token: registry.token,
      signal,
      onProgress: (progress) => view.progress(progress),
    })
    view.pushed(result)
    const check =
      noWait || result.checkId === undefined ? undefined : await followChecks(registry, result.checkId, view, signal)
    if (json) printJson(io, { ...result, state: check?.state, checks: check?.checks })
    return check?.state === 'rejected' ? EXIT_CODES.negative : EXIT_CODES.ok
  })
}

async function followChecks(
  registry: { registryUrl: string; token: string | undefined },
  checkId: string,
  view: PublishView,
  signal: AbortSignal,
): Promise<Check> {
  const client = createClient(registry)
  let last: Check | undefined
  for await (const check of client.checks.live(checkId, { signal })) {
    last = check
    view.check(check)
    if (check.checks.some(({ retryAt }) => retryAt !== undefined)) throw undecided(check)
  }
  signal.throwIfAborted()
  // The stream can end before the verdict, for example when the server restarts.
  if (last?.finishedAt === undefined) last = await client.checks.get(checkId)
  if (last.state === 'received' || last.state === 'checking') throw undecided(last)
  view.check(last)
  view.verdict(last)
  return last
}

function undecided({ trainer, version, checks }: Check): TrainyardClientError {
  const title = `${trainer}@${version}`
  const retryAt = checks.find((check) => check.retryAt !== undefined)?.retryAt
  return new TrainyardClientError(
    'undecided',
    retryAt === undefined
      ? `the checks of ${title} are still running: see the registry for their result`
      : `${title} was pushed, but the registry cannot check it now, which is not a fault of the trainer. It tries again automatically at ${retryAt}`,
  )
}
