import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatasetContext } from '../context.ts'

/** Runs `work` with an empty folder, which is removed afterwards. */
export async function inScratchFolder<T>(context: DatasetContext, work: (dir: string) => Promise<T>): Promise<T> {
  const parent = context.config?.dataDir ?? tmpdir()
  await mkdir(parent, { recursive: true })
  const scratch = await mkdtemp(join(parent, 'dataset-upload-'))
  try {
    return await work(scratch)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}
