import { resolve } from 'node:path'
import { publishTrainer, readManifest } from '@trainyard/client/files'
import { EXIT_CODES } from '../command-line/exit-codes.ts'
import type { CliIo } from '../command-line/io.ts'
import { exchangeJobToken } from '../publish/exchange-job-token.ts'
import { followChecks } from '../publish/follow-checks.ts'
import { viewOf } from '../publish/publish-view.ts'
import { findRegistry, type ServerValues } from '../server/connection.ts'
import { interruptible } from '../terminal/interruptible.ts'
import { printJson } from '../terminal/table.ts'

interface PublishInput extends ServerValues {
  dir: string | undefined
  noWait: boolean
  json: boolean
}

export async function run({ dir = '.', noWait, json, ...server }: PublishInput, io: CliIo): Promise<number> {
  const { registryUrl, token: known } = await findRegistry(server, io)
  const folder = resolve(io.cwd, dir)
  const token = known ?? (await exchangeJobToken(registryUrl, (await readManifest(folder)).manifest.name, io))
  const registry = { registryUrl, token }
  const view = viewOf(io, json)
  return interruptible(async (signal) => {
    const result = await publishTrainer({
      dir: folder,
      registryUrl,
      token,
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
