import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient } from '@trainyard/client'
import { packFolder } from '@trainyard/client/files'
import { testDatabaseUrl } from '@trainyard/platform/testing'
import { startEmbeddedRunner } from '@trainyard/runner'
import { writeTestDataset } from '@trainyard/testing'
import { expect, test } from 'vitest'
import { jobWhen } from './prepare-training.ts'

/** Three parts: two of 32 MiB, and a small one. */
const BYTES = 64 * 1024 ** 2 + 1000

test('kill -9 in the middle of a checkpoint’s upload: the next attempt sends only the parts that storage has not', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-resume-'))
  const sent: { part: string; isStored: boolean }[] = []
  let isHeldBack = true
  const runner = await startEmbeddedRunner({
    trainerDir: fileURLToPath(new URL('./saving-trainer', import.meta.url)),
    databaseUrl: testDatabaseUrl(),
    wrap: (handler) => async (request) => {
      const { pathname, searchParams } = new URL(request.url)
      if (request.method !== 'PUT' || !pathname.startsWith('/storage/')) return await handler(request)
      const put = { part: searchParams.get('part') ?? '', isStored: false }
      sent.push(put)
      // The second part does not get through before the trainer is dead.
      if (put.part === '2' && isHeldBack) {
        await request.arrayBuffer().catch(() => {})
        return new Response(null, { status: 503 })
      }
      const response = await handler(request)
      put.isStored = response.ok
      return response
    },
  })
  try {
    const client = createClient({ runnerUrl: runner.url, token: runner.token })
    const folder = await writeTestDataset(join(dir, 'dataset'))
    const { id: dataset } = await client.datasets.upload(packFolder(folder), { name: 'test' })
    const { id } = await client.jobs.create({ trainer: 'acme/saving', dataset, config: { bytes: BYTES } })
    const stored = () => sent.filter(({ isStored }) => isStored).map(({ part }) => part)
    await expect.poll(() => stored().sort(), { timeout: 60_000 }).toEqual(['1', '3'])
    const { events } = await client.jobs.events(id, { type: 'started' })
    process.kill(Number(events[0]?.body.pid), 'SIGKILL')
    const killed = await jobWhen(client, id, ({ state }) => state === 'failed', 'its end')
    expect(killed.error?.message).toContain('SIGKILL')

    isHeldBack = false
    sent.length = 0
    await client.jobs.restart(id)
    const done = await jobWhen(client, id, ({ state }) => state === 'succeeded', 'its success')
    expect(done.attempt).toBe(2)
    expect(sent).toEqual([{ part: '2', isStored: true }])
    const { artifacts } = await client.jobs.artifacts(id)
    expect(artifacts).toMatchObject([{ kind: 'checkpoint', name: 'last.bin', sizeBytes: BYTES, attempt: 2 }])
  } finally {
    await runner.close()
    await rm(dir, { recursive: true, force: true })
  }
}, 180_000)
