import { ChannelName, TrainerName } from '@trainyard/contract'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { UsageError } from '../../errors.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson } from '../../terminal/table.ts'
import { readReference } from './read-reference.ts'

interface ChannelInput extends ServerValues {
  channel: string
  version: string
  undo: boolean
  json: boolean
}

export async function run(input: ChannelInput, io: CliIo): Promise<number> {
  const { channel, undo } = input
  const issue = ChannelName.safeParse(channel).error?.issues[0]
  if (issue !== undefined) throw new UsageError(`CHANNEL is "${channel}": it ${issue.message}`)
  // Whatever version the channel has, it is removed.
  const isName = undo && TrainerName.safeParse(input.version).success
  const { name, version } = isName ? { name: input.version, version: undefined } : readReference(input.version)
  const { trainers } = await connect(input, io)
  if (undo) await trainers.removeChannel(name, channel)
  else if (version !== undefined) await trainers.setChannel(name, { name: channel, version })
  if (input.json) printJson(io, { name, channel, version: undo ? undefined : version })
  else io.stdout.write(undo ? `${name}@${channel} is no longer set\n` : `${name}@${channel} is now ${version}\n`)
  return EXIT_CODES.ok
}
