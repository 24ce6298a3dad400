import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { watchFolder } from './watch-folder.ts'

test('a watched folder is checked at first and after each change, until it is stopped', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-watch-'))
  try {
    const stop = new AbortController()
    let runs = 0
    await watchFolder(
      dir,
      async () => {
        runs++
        if (runs === 3) stop.abort()
        else await writeFile(join(dir, 'file'), String(runs))
      },
      stop.signal,
    )
    expect(runs).toBe(3)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
