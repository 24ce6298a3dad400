import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { TargetFormat } from '@trainyard/contract'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { interruptible } from '../../terminal/interruptible.ts'
import { printJson } from '../../terminal/table.ts'
import { awaitResult } from './await-result.ts'

interface DownloadInput extends ServerValues {
  id: string
  target: string | undefined
  as: TargetFormat | undefined
  json: boolean
}

export async function run({ id, target, as, json, ...server }: DownloadInput, io: CliIo): Promise<number> {
  const client = await connect(server, io)
  const file = resolve(io.cwd, target ?? `${id.replaceAll(/[^\w@.-]/g, '-')}${as === undefined ? '' : `-${as}`}.tar`)
  await interruptible(async (signal) => {
    const ask = () => client.datasets.download(id, { as, signal })
    const response = await awaitResult(ask, { signal, what: 'the file', isQuiet: json, io })
    // Written under another name first: half of a file is never taken for the whole.
    const partial = `${file}.partial`
    try {
      const body = (response.body ?? new ReadableStream()) as import('node:stream/web').ReadableStream
      await pipeline(Readable.fromWeb(body), createWriteStream(partial), { signal })
      await rename(partial, file)
    } finally {
      await rm(partial, { force: true })
    }
  })
  if (json) printJson(io, { id, file })
  else io.stdout.write(`${file}\n`)
  return EXIT_CODES.ok
}
