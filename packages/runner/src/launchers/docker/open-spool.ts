import { Readable } from 'node:stream'
import type { ReadableStream, ReadableWritablePair } from 'node:stream/web'
import { spoolPath } from '@trainyard/contract/spool'
import { createTarDecoder } from 'modern-tar'
import { CONTAINER_PATHS } from '../container-environment.ts'
import { ignoring } from './engine.ts'
import type { EngineContainer } from './engine-client.ts'

/**
 * Opens the spool in the work folder of an ended container. The engine resolves links inside of the container only; the last one
 * arrives as a link, which is not read. Undefined without a spool or a container.
 */
export async function openSpool(
  container: Pick<EngineContainer, 'getArchive'>,
  attempt: number,
): Promise<AsyncIterable<Buffer> | undefined> {
  const path = `${CONTAINER_PATHS.workDir}/${spoolPath(attempt)}`
  const archive = await ignoring([404], container.getArchive({ path }))
  return archive === undefined ? undefined : readOnlyEntry(archive)
}

async function* readOnlyEntry(archive: Readable): AsyncGenerator<Buffer> {
  const bytes = Readable.toWeb(archive) as ReadableStream<Uint8Array>
  // Its types are those of browsers.
  const decoder = createTarDecoder() as unknown as ReadableWritablePair<Entry, Uint8Array>
  for await (const entry of bytes.pipeThrough(decoder)) {
    if (entry.header.type !== 'file') throw new Error('its spool is not a file')
    for await (const chunk of entry.body) yield Buffer.from(chunk)
    return
  }
}

interface Entry {
  header: { type?: string | undefined }
  body: AsyncIterable<Uint8Array>
}
