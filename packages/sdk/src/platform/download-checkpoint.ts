import { createReadStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { CheckpointInput } from '@trainyard/contract'
import { CheckpointError, NetworkError } from '@trainyard/contract/trainer-errors'
import { type BackoffOptions, type DownloadSource, downloadFile, type Transport } from '@trainyard/datasets/transfer'
import type { PlatformApi } from '../http/platform-api.ts'
import type { CheckpointFile } from '../job.ts'

export interface DownloadCheckpointContext {
  api: PlatformApi
  transport: Transport
  workDir: string
  signal: AbortSignal
  backoff?: BackoffOptions | undefined
}

/** Downloads the job's checkpoint; undefined when there is none. Unpacks the tar of a folder. */
export async function downloadCheckpoint(context: DownloadCheckpointContext): Promise<CheckpointFile | undefined> {
  const { api, workDir, signal } = context
  const read = async () => CheckpointInput.parse(await api.call('GET', '/inputs/checkpoint', { signal }))
  let input: CheckpointInput
  try {
    input = await read()
  } catch (error) {
    if (error instanceof NetworkError && error.status === 404) return undefined
    throw error
  }
  const name = basename(input.name.replaceAll('\\', '/')) || 'checkpoint'
  const folder = join(workDir, 'inputs')
  const path = join(folder, name)
  await mkdir(folder, { recursive: true })
  try {
    await downloadFile(context, toSource(input), path, name, async () => toSource(await read()))
  } catch (error) {
    if (signal.aborted) throw error
    const message = error instanceof Error ? error.message : String(error)
    throw new CheckpointError(message, { cause: error, retryable: true })
  }
  const { sizeBytes, resume } = input
  if (!name.endsWith('.tar')) return { path, name, sizeBytes, resume }
  const unpacked = path.slice(0, -'.tar'.length)
  const { unpackTar } = await import('modern-tar/fs')
  await pipeline(createReadStream(path), unpackTar(unpacked))
  return { path: unpacked, name, sizeBytes, resume }
}

function toSource({ request, sizeBytes, sha256 }: CheckpointInput): DownloadSource {
  return { url: request.url, headers: request.headers, sizeBytes, sha256 }
}
