import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { levelLayer } from './level-layer.ts'

const Manifest = z.tuple([
  z.looseObject({ Config: z.string(), RepoTags: z.array(z.string()).nullish(), Layers: z.array(z.string()) }),
])
const Config = z.looseObject({
  config: z.looseObject({}),
  rootfs: z.looseObject({ diff_ids: z.array(z.string()) }),
  history: z.array(z.looseObject({})).default([]),
})

export interface LevelOptions {
  /** An unpacked `docker save`. */
  dir: string
  /** Layers of the base image, which stay as they are. */
  baseLayers: number
  /** The time of the image. */
  created: Date
  tag: string
}

/**
 * Makes an image independent of when and by which container it was built: times of files, and what the builder notes about
 * itself. Returns its id, the digest of its configuration.
 */
export async function levelImage({ dir, baseLayers, created, tag }: LevelOptions): Promise<string> {
  const [manifest] = Manifest.parse(JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8')))
  const {
    container: _,
    container_config: __,
    ...config
  } = Config.parse(JSON.parse(await readFile(join(dir, manifest.Config), 'utf8')))
  const diffIds = [...config.rootfs.diff_ids]
  for (const [index, layer] of manifest.Layers.entries()) {
    if (index < baseLayers) continue
    const archive = await readFile(join(dir, layer))
    levelLayer(archive)
    await writeFile(join(dir, layer), archive)
    diffIds[index] = `sha256:${createHash('sha256').update(archive).digest('hex')}`
  }
  const time = created.toISOString()
  const { Image: ___, Hostname: ____, ...settings } = config.config
  const level = JSON.stringify({
    ...config,
    created: time,
    config: settings,
    rootfs: { ...config.rootfs, diff_ids: diffIds },
    history: config.history.map((step) => ({ ...step, created: time })),
  })
  const id = createHash('sha256').update(level).digest('hex')
  await writeFile(join(dir, `${id}.json`), level)
  const written = [{ Config: `${id}.json`, RepoTags: [tag], Layers: manifest.Layers }]
  await writeFile(join(dir, 'manifest.json'), JSON.stringify(written))
  return `sha256:${id}`
}
