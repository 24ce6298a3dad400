import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packTar } from 'modern-tar'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { levelImage } from './level-image.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'level-image-'))
})
afterAll(async () => await rm(dir, { recursive: true, force: true }))

/** What a builder leaves at some time, in some container. */
async function built(name: string, at: Date, container: string): Promise<string> {
  const out = join(dir, name)
  await mkdir(out)
  const layer = await packTar([
    { header: { name: 'app/', size: 0, type: 'directory', mtime: at } },
    { header: { name: 'app/program.ts', size: 7, mtime: at }, body: 'let a=1' },
  ])
  await writeFile(join(out, 'base.tar'), 'the base')
  await writeFile(join(out, 'ours.tar'), layer)
  const config = {
    created: at.toISOString(),
    container,
    container_config: { Hostname: container },
    config: { User: '65532:65532', Image: `sha256:${container}`, Hostname: container },
    rootfs: { type: 'layers', diff_ids: ['sha256:base', 'sha256:ours'] },
    history: [{ created: '2020-01-01T00:00:00Z' }, { created: at.toISOString(), created_by: 'COPY' }],
  }
  await writeFile(join(out, 'config.json'), JSON.stringify(config))
  await writeFile(
    join(out, 'manifest.json'),
    JSON.stringify([{ Config: 'config.json', RepoTags: ['x:1'], Layers: ['base.tar', 'ours.tar'] }]),
  )
  return out
}

it('an image has the same id whenever it is built', async () => {
  const created = new Date('2026-01-02T03:04:05Z')
  const options = { baseLayers: 1, created, tag: 'trainyard/platform:1.0.0' }
  const first = await built('first', new Date('2026-05-01'), 'aaa')
  const second = await built('second', new Date('2026-06-01'), 'bbb')
  const id = await levelImage({ dir: first, ...options })
  expect(await levelImage({ dir: second, ...options })).toBe(id)

  const config = JSON.parse(await readFile(join(first, `${id.slice(7)}.json`), 'utf8'))
  const ours = createHash('sha256')
    .update(await readFile(join(first, 'ours.tar')))
    .digest('hex')
  expect(config.rootfs.diff_ids).toEqual(['sha256:base', `sha256:${ours}`])
  expect(config.config).toEqual({ User: '65532:65532' })
  expect(await readFile(join(first, 'base.tar'), 'utf8')).toBe('the base')
})
