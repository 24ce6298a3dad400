import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TargetFormat } from '@trainyard/contract'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { interruptible } from '../../terminal/interruptible.ts'
import { printJson } from '../../terminal/table.ts'

interface DownloadInput extends ServerValues {
  id: string
  target: string | undefined
  as: TargetFormat | undefined
  json: boolean
}

/** Between two questions whether the server has made the file. */
const PAUSE_MS = 3000

export async function run({ id, target, as, json, ...server }: DownloadInput, io: CliIo): Promise<number> {
  const client = await connect(server, io)
  const file = resolve(io.cwd, target ?? `${id.replaceAll(/[^\w@.-]/g, '-')}${as === undefined ? '' : `-${as}`}.tar`)
  await interruptible(async (signal) => {
    let response = await client.datasets.download(id, { as, signal })
    if (response === undefined && !json) io.stderr.write('The server prepares the file …\n')
    while (response === undefined) {
      await sleep(PAUSE_MS, undefined, { signal })
      response = await client.datasets.download(id, { as, signal })
    }
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
