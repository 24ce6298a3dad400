import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { PictureInputs } from '@trainyard/contract'
import { NetworkError } from '@trainyard/contract/trainer-errors'
import { downloadFile } from '@trainyard/datasets/transfer'
import type { NextImages } from '../session/backend.ts'
import type { DownloadCheckpointContext } from './download-checkpoint.ts'

/** Waits for pictures that people send to the job and downloads them; undefined when the job predicts a dataset. */
export async function receiveImages(
  context: DownloadCheckpointContext,
  query: string,
): Promise<NextImages | undefined> {
  const { api, workDir, signal } = context
  let inputs: PictureInputs
  try {
    inputs = PictureInputs.parse(await api.call('GET', `/inputs/images?${query}`, { signal }))
  } catch (error) {
    // Older platforms do not have it.
    if (error instanceof NetworkError && error.status === 404) return undefined
    throw error
  }
  const folder = join(workDir, 'pictures')
  await mkdir(folder, { recursive: true })
  const images = inputs.images.map(async ({ name, sizeBytes, sha256, request }) => {
    const path = join(folder, basename(name))
    await downloadFile(context, { url: request.url, headers: request.headers, sizeBytes, sha256 }, path, name)
    return { name, path }
  })
  return { images: await Promise.all(images), cursor: inputs.cursor, done: inputs.done }
}
