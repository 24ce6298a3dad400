import { DEFAULT_PROJECT_ID } from '@trainyard/platform'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSnapshot, datasetRoutes } from '../index.ts'
import { access, createDatasetsTest, exampleFiles, type Files, tarOf } from '../testing/test-datasets.ts'

const HOUR_MS = 3_600_000

const sizeOf = (files: Files): number => Object.values(files).reduce((sum, file) => sum + file.length, 0)

/** The example without a file that is unpacked and not stored. */
function dataset(): Files {
  const { 'README.md': _, ...files } = exampleFiles()
  return files
}
const FILES = Object.keys(dataset()).length
const BYTES = sizeOf(dataset())

describe('the quota of datasets', () => {
  let area: Awaited<ReturnType<typeof createDatasetsTest>>
  let app: ReturnType<typeof datasetRoutes>
  const limits = { maxProjectDatasetBytes: 0, maxProjectDatasetFiles: 0 }
  beforeEach(async () => {
    area = await createDatasetsTest()
    Object.assign(limits, { maxProjectDatasetBytes: 3.5 * BYTES, maxProjectDatasetFiles: 1000 })
    const config = { dataDir: area.context.config?.dataDir ?? '', datasetSources: [{ prefix: 'pool/' }] }
    app = datasetRoutes({ ...area.context, config, limits }, { access })
  })
  afterEach(() => area.close())

  async function post(name: string, body: BodyInit) {
    const response = await app.request(`/v1/datasets?name=${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body,
      duplex: 'half',
    } as RequestInit)
    return { status: response.status, body: await response.json() }
  }

  const upload = async (name: string) => await post(name, await tarOf(dataset()))
  const uploads = () => area.context.database.db.selectFrom('dataset_uploads').selectAll().execute()

  it('holds for many unfinished uploads, which count what they have sent', async () => {
    const tar = await tarOf(dataset())
    const finish = Promise.withResolvers<void>()
    const unfinished = () => {
      let sent = 0
      return new ReadableStream<Uint8Array>({
        async pull(controller) {
          if (sent++ === 0) return controller.enqueue(tar.subarray(0, -1024))
          await finish.promise
          controller.enqueue(tar.subarray(-1024))
          controller.close()
        },
      })
    }
    const posted = Array.from({ length: 12 }, (_, number) => post(`parallel-${number}`, unfinished()))
    // The answers come after the bodies, so the refused ones are known by their missing reservations.
    const areDecided = async () => {
      const rows = await uploads()
      return rows.length > 0 && rows.length <= 3 && rows.every((row) => row.reserved_bytes >= BYTES)
    }
    await expect.poll(areDecided, { timeout: 60_000 }).toBe(true)
    finish.resolve()
    const answers = await Promise.all(posted)
    const stored = answers.filter(({ status }) => status === 201)
    // A refused upload counts until its reservation is removed, which can refuse another one.
    expect([1, 2, 3]).toContain(stored.length)
    const [first] = answers.filter(({ status }) => status === 413)
    expect(first?.body).toMatchObject({
      code: 'payload_too_large',
      quota: 'maxProjectDatasetBytes',
      limit: 3.5 * BYTES,
      detail: expect.stringMatching(/uploads that have not ended reserve .+ raise DATASET_MAX_GB_PER_PROJECT/),
    })
    expect(first?.body.used + first?.body.reserved).toBeGreaterThan(0)
    expect(await uploads()).toEqual([])
    expect(await area.scratch()).toEqual([])
    for (let count = stored.length; count < 3; count++) expect((await upload(`filling-${count}`)).status).toBe(201)
    expect((await upload('next')).body).toMatchObject({ used: 3 * BYTES, reserved: 0 })
    expect((await app.request(`/v1/datasets/${stored[0]?.body.id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await upload('next')).status).toBe(201)
  })

  it('is named for files, and leaves nothing of what was refused', async () => {
    limits.maxProjectDatasetFiles = FILES + 1
    expect((await upload('one')).status).toBe(201)
    const before = await area.keys()
    expect((await upload('two')).body).toMatchObject({
      code: 'payload_too_large',
      quota: 'maxProjectDatasetFiles',
      used: FILES,
      limit: FILES + 1,
      detail: expect.stringContaining('DATASET_MAX_FILES_PER_PROJECT'),
    })
    expect(await area.keys()).toEqual(before)
    expect(await uploads()).toEqual([])
  })

  it('counts what a process that was killed has reserved, until its upload is swept', async () => {
    const { db } = area.context.database
    const dead = { id: 'ds_dead', project_id: DEFAULT_PROJECT_ID, reserved_bytes: 3 * BYTES, reserved_files: 1 }
    await db
      .insertInto('dataset_uploads')
      .values({ ...dead, started_at: area.clock.now() })
      .execute()
    expect((await upload('later')).body).toMatchObject({ used: 0, reserved: 3 * BYTES })
    area.clock.advance(25 * HOUR_MS)
    expect((await upload('later')).status).toBe(201)
  })

  it('counts the copies of a snapshot once, and of a dataset in a bucket what is copied', async () => {
    const { body } = await upload('mine')
    await createSnapshot(area.context, body.id, DEFAULT_PROJECT_ID)
    await createSnapshot(area.context, body.id, DEFAULT_PROJECT_ID)
    for (const [path, file] of Object.entries(dataset()))
      await area.store.put(`pool/${path}`, typeof file === 'string' ? Buffer.from(file) : file)
    const referenced = await app.request('/v1/datasets', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'referenced', source: { prefix: 'pool/' } }),
    })
    expect(referenced.status, await referenced.clone().text()).toBe(201)
    limits.maxProjectDatasetBytes = 0
    const annotations = sizeOf({ file: dataset()['annotations.json'] ?? '' })
    expect((await upload('more')).body).toMatchObject({ used: BYTES + 2 * annotations, reserved: 0 })
  })
})
