import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { packTar } from 'modern-tar'
import { packTar as packFolder } from 'modern-tar/fs'
import { BRIDGE_COMMAND, BRIDGE_DIR, type BridgeContents, readBridgeContents } from '../bridge/bridge-contents.ts'
import { stageBridge } from '../bridge/stage-bridge.ts'
import { ignoring } from './engine.ts'
import type { EngineClient, EngineContainer } from './engine-client.ts'

const LABEL = 'dev.trainyard.bridge'
/** Its last file: without it, a runner died while it was filling the volume. */
const COMPLETE = 'complete'
/** A container that fills a volume longer than this was left behind. */
const ABANDONED_MS = 5 * 60_000
/** How Docker and Node name the same processors. */
const PROCESSORS: Readonly<Record<string, readonly string[]>> = {
  x64: ['x86_64', 'amd64'],
  arm64: ['aarch64', 'arm64'],
}

/** The volume with the bridge, which containers mount read-only, and how they start it. */
export interface BridgeVolume {
  name: string
  command: readonly string[]
}

/** Fills the volume once. Later calls only check that it still exists. */
export function createBridgeVolume(docker: EngineClient, processor: string): (image: string) => Promise<BridgeVolume> {
  let contents: BridgeContents | undefined
  let filling: Promise<void> | undefined
  return async (image) => {
    if (!(PROCESSORS[process.arch] ?? []).includes(processor))
      throw new Error(
        `"bridge" in trainer.json needs an engine with the processor of the runner, whose Node the containers run: the engine has ${processor}, the runner ${process.arch}. Install the npm package trainyard in the image, and write "trainyard", "exec", "--" in front of the program instead`,
      )
    contents ??= readBridgeContents()
    const { id } = contents
    const name = `trainyard-bridge-${id}`
    const exists = (await ignoring([404], docker.getVolume(name).inspect())) !== undefined
    if (!exists || filling === undefined) filling = fill(docker, { name, image, contents })
    try {
      await filling
    } catch (error) {
      filling = undefined
      throw error
    }
    return { name, command: BRIDGE_COMMAND }
  }
}

interface FillInput {
  name: string
  /** Any image that the engine has: a container of it receives the files, and is never started. */
  image: string
  contents: BridgeContents
}

async function fill(docker: EngineClient, { name, image, contents }: FillInput): Promise<void> {
  await docker.createVolume({ Name: name, Labels: { [LABEL]: contents.id } })
  const container = await createFiller(docker, { name, image })
  try {
    const isComplete = await ignoring([404], container.infoArchive({ path: `${BRIDGE_DIR}/${COMPLETE}` }))
    if (isComplete === undefined) await putBridge(container, contents)
  } finally {
    await ignoring([404, 409], container.remove({ force: true }))
  }
}

/** Its name is the lock: one runner fills the volume, and others wait. */
async function createFiller(
  docker: EngineClient,
  { name, image }: { name: string; image: string },
): Promise<EngineContainer> {
  const filler = `${name}-fill`
  for (;;) {
    const created = await ignoring(
      [409],
      docker.createContainer({
        name: filler,
        Image: image,
        Entrypoint: [`${BRIDGE_DIR}/node`],
        Labels: { [LABEL]: 'fill' },
        HostConfig: {
          NetworkMode: 'none',
          Mounts: [
            {
              Type: 'volume',
              Source: name,
              Target: BRIDGE_DIR,
              VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: 'local', Options: {} } },
            },
          ],
        },
      }),
    )
    if (created !== undefined) return created
    const other = await ignoring([404], docker.getContainer(filler).inspect())
    if (other !== undefined && Date.now() - Date.parse(other.Created) > ABANDONED_MS)
      await ignoring([404, 409], docker.getContainer(filler).remove({ force: true }))
    await sleep(100)
  }
}

async function putBridge(container: EngineContainer, contents: BridgeContents): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-bridge-'))
  try {
    await stageBridge(contents, dir)
    await container.putArchive(packFolder(dir), { path: BRIDGE_DIR })
    const mark = await packTar([{ header: { name: COMPLETE, size: 0, type: 'file', mode: 0o444 } }])
    await container.putArchive(Buffer.from(mark), { path: BRIDGE_DIR })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
