import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readTar } from '@trainyard/platform'
import { makeTar } from '@trainyard/platform/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LayerRefused } from '../errors.ts'
import { ImageTree } from './image-tree.ts'
import { inspectLayer } from './inspect-layer.ts'
import { randomLayers } from './testing/random-layers.ts'

const run = promisify(execFile)
const OCI = 'application/vnd.oci.image.layer.v1.tar'

const hasDocker = await run('docker', ['version']).then(
  () => true,
  () => false,
)
if (!hasDocker) console.warn('SKIPPED: the comparison with Docker needs a Docker engine; start one and set DOCKER_HOST')

/** What Docker adds to every container. */
const OF_DOCKER = /^(\.dockerenv|dev|etc|proc|sys)(\/|$)/

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes)
}

async function ourView(tars: readonly Buffer[]): Promise<string[] | LayerRefused> {
  const tree = new ImageTree()
  const bodies: string[][] = []
  try {
    for (const tar of tars) {
      const texts: string[] = []
      const { entries } = await inspectLayer(one(tar), {
        mediaType: OCI,
        async onFile(_, file, index) {
          texts[index] = Buffer.from((await file.read(1e6)) ?? []).toString('hex')
        },
      })
      bodies.push(texts)
      tree.apply(entries)
    }
  } catch (error) {
    if (error instanceof LayerRefused) return error
    throw error
  }
  return [...tree.entries()]
    .map(([path, { type, linkPath, layer, index }]) =>
      type === 'file'
        ? `${path} = ${bodies[layer]?.[index]}`
        : type === 'symlink'
          ? `${path} -> ${linkPath}`
          : `${path}/`,
    )
    .sort()
}

describe.skipIf(!hasDocker)('the files of an image', () => {
  let dir: string
  const images: string[] = []
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'image-tree-'))
  })
  afterAll(async () => {
    if (images.length > 0) await run('docker', ['rmi', '-f', ...images]).catch(() => undefined)
    await rm(dir, { recursive: true, force: true })
  })

  /** Undefined when Docker refuses the image. */
  async function viewOfDocker(tars: readonly Buffer[]): Promise<string[] | undefined> {
    const tag = `trainyard-layers:${images.length}`
    const config = Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        config: { Cmd: ['/none'] },
        rootfs: {
          type: 'layers',
          diff_ids: tars.map((tar) => `sha256:${createHash('sha256').update(tar).digest('hex')}`),
        },
      }),
    )
    const layers = tars.map((_, index) => `${index}.tar`)
    const manifest = JSON.stringify([{ Config: 'config.json', RepoTags: [tag], Layers: layers }])
    const archive = join(dir, 'image.tar')
    const files = tars.map((body, index) => ({ path: `${index}.tar`, body }))
    const more = [
      { path: 'config.json', body: config },
      { path: 'manifest.json', body: manifest },
    ]
    await writeFile(archive, makeTar([...files, ...more]))
    try {
      await run('docker', ['load', '-q', '-i', archive])
    } catch {
      return undefined
    }
    images.push(tag)
    const { stdout } = await run('docker', ['create', tag])
    const container = stdout.trim()
    try {
      const exported = join(dir, 'export.tar')
      await run('docker', ['export', '-o', exported, container])
      return await entriesOfExport(exported)
    } finally {
      await run('docker', ['rm', container])
    }
  }

  async function entriesOfExport(file: string): Promise<string[]> {
    const found = new Map<string, string>()
    for await (const entry of readTar(createReadStream(file))) {
      const path = entry.name.replace(/^(\.\/)+/, '').replace(/\/$/, '')
      if (path === '' || path === '.' || OF_DOCKER.test(path)) continue
      if (entry.type === 'hardlink') found.set(path, found.get(entry.linkName.replace(/^\//, '')) ?? 'missing')
      else if (entry.type === 'file')
        found.set(path, ` = ${Buffer.from((await entry.read(1e6)) ?? []).toString('hex')}`)
      else found.set(path, entry.type === 'symlink' ? ` -> ${entry.linkName}` : '/')
    }
    return [...found].map(([path, value]) => `${path}${value}`).sort()
  }

  it('are those of a container that Docker creates from the same random layers', async () => {
    const samples = fc.sample(randomLayers, { numRuns: 600, seed: 20_261_129 })
    const counts = { equal: 0, refusedByDocker: 0 }
    for (const layers of samples) {
      // Docker needs seconds for each; those that we refuse prove nothing.
      if (counts.equal >= 25) break
      // Two equal layers are one to Docker; a distinct folder each keeps them apart.
      const tars = layers.map((entries, index) => makeTar([{ path: `layer-${index}/`, type: '5' }, ...entries]))
      const ours = await ourView(tars)
      if (ours instanceof LayerRefused) continue
      const theirs = await viewOfDocker(tars)
      if (theirs === undefined) counts.refusedByDocker += 1
      else {
        expect(ours, JSON.stringify(layers)).toEqual(theirs)
        counts.equal += 1
      }
    }
    console.log(`${counts.equal} images equal, ${counts.refusedByDocker} refused by Docker alone`)
    expect(counts.equal).toBeGreaterThanOrEqual(20)
  }, 400_000)
})
