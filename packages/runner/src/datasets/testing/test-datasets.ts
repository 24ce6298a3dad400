import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { createFolderStore, createLogger, DEFAULT_PROJECT_ID } from '@trainyard/platform'
import { createTestDatabase, fakeClock } from '@trainyard/platform/testing'
import { encode } from 'fast-png'
import { packTar } from 'modern-tar'
import { runnerMigrations } from '../../db/migrations/index.ts'
import type { DatasetTables } from '../../db/schema/index.ts'
import type { DatasetAccess } from '../access.ts'
import type { DatasetContext } from '../context.ts'

/** A caller who may do everything in the default project. */
export const access = (): DatasetAccess => ({
  readable: () => [DEFAULT_PROJECT_ID],
  projectFor: () => DEFAULT_PROJECT_ID,
  confirm: async () => {},
  organisationOf: () => 'local',
  audit: async () => {},
  signing: (store) => store,
})

export type Files = Record<string, string | Uint8Array>

/** A small image; each seed gives other bytes. */
export function png(seed = 1, width = 8, height = 8): Uint8Array {
  const data = new Uint8Array(width * height * 3).map((_, index) => (index * 7 + seed * 31) % 256)
  return encode({ width, height, data, channels: 3 })
}

export async function tarOf(files: Files): Promise<Uint8Array<ArrayBuffer>> {
  const entries = Object.entries(files).map(([name, content]) => {
    const body = typeof content === 'string' ? Buffer.from(content) : content
    return { header: { name, size: body.length, type: 'file' as const }, body }
  })
  return new Uint8Array(await packTar(entries))
}

export async function tarGzOf(files: Files): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(gzipSync(await tarOf(files)))
}

/** A DICE file with two classes, and by default one box per image. */
export function dice(images: Record<string, unknown>[], more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    format_version: '1.0',
    task_type: 'object_detection',
    classes: [
      { id: 0, name: 'circle', color: '#ff0000' },
      { id: 1, name: 'square' },
    ],
    images: images.map((image, index) => ({
      id: index,
      width: 8,
      height: 8,
      annotations: [{ id: index, class_id: 1, bbox: [1, 1, 4, 4] }],
      ...image,
    })),
    ...more,
  })
}

/** Three labelled images, two of them with a split, and one image without a label. */
export function exampleFiles(): Files {
  return {
    'annotations.json': dice([
      { file_name: 'images/a.png', split: 'test' },
      { file_name: 'images/b.png' },
      { file_name: 'images/deep/c.png', split: 'val' },
      { file_name: 'images/unlabelled.png', annotations: [] },
    ]),
    'images/a.png': png(1),
    'images/b.png': png(2),
    'images/deep/c.png': png(3),
    'images/unlabelled.png': png(4),
    'README.md': 'not part of the dataset',
  }
}

/** A context with a real PostgreSQL and a real folder store, and helpers that list what they contain. */
export async function createDatasetsTest() {
  const database = await createTestDatabase<DatasetTables>({ migrations: runnerMigrations })
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-datasets-'))
  const clock = fakeClock('2026-11-20T09:30:00.000Z')
  const store = createFolderStore({
    dir: join(dir, 'store'),
    publicUrl: 'http://127.0.0.1:7600',
    secret: 'a secret of the tests',
    clock,
  })
  const config = { dataDir: join(dir, 'data') }
  const context: DatasetContext = {
    database,
    store,
    clock,
    config,
    logger: createLogger({ name: 'test', level: 'silent' }),
  }
  return {
    context,
    store,
    clock,
    async keys(): Promise<string[]> {
      const keys: string[] = []
      for await (const { key } of store.list('')) keys.push(key)
      return keys
    },
    scratch: () => readdir(config.dataDir),
    async close() {
      await database.drop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
