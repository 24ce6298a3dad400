import { createClient } from '@trainyard/client'
import { EXIT_CODES } from '../command-line/exit-codes.ts'
import type { CliIo } from '../command-line/io.ts'
import { followChecks } from '../publish/follow-checks.ts'
import { viewOf } from '../publish/publish-view.ts'
import { findRegistry, type ServerValues } from '../server/connection.ts'
import { interruptible } from '../terminal/interruptible.ts'
import { printJson, printTable } from '../terminal/table.ts'
import { formatTime } from '../terminal/text.ts'

interface ChecksInput extends ServerValues {
  id: string | undefined
  json: boolean
}

/** Without an id, the list of pushes; with one, the checks of that push until their verdict. */
export async function run({ id, json, ...server }: ChecksInput, io: CliIo): Promise<number> {
  const registry = await findRegistry(server, io)
  if (id === undefined) return await listPushes(registry, json, io)
  return interruptible(async (signal) => {
    const check = await followChecks(registry, id, viewOf(io, json), signal)
    if (json) printJson(io, check)
    return check.state === 'rejected' ? EXIT_CODES.negative : EXIT_CODES.ok
  })
}

async function listPushes(registry: Parameters<typeof createClient>[0], json: boolean, io: CliIo): Promise<number> {
  const { pushes } = await createClient(registry).checks.pushes()
  if (json) printJson(io, { pushes })
  else if (pushes.length === 0) io.stdout.write('No pushes. Publish a trainer: trainyard publish --help\n')
  else
    printTable(io, [
      ['id', 'trainer', 'kind', 'state', 'errors', 'warnings', 'pushed'],
      ...pushes.map((push) => [
        push.id,
        `${push.trainer}@${push.version}`,
        push.kind,
        push.running === undefined ? push.state : `${push.state}: ${push.running}`,
        push.errors,
        push.warnings,
        formatTime(push.createdAt),
      ]),
    ])
  return EXIT_CODES.ok
}
