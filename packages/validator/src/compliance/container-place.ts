import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Launcher, TrainerSource } from '@trainyard/runner'
import { createElsewhere, listElsewhere, PATHS_OF_CONTAINER } from './elsewhere.ts'
import type { ImageToRun, PlaceOptions, RunPlace } from './run-place.ts'
import { createProcessWatch, type ProcessFinder } from './watch-processes.ts'

const NOTE =
  'in a container: no privileges, read-only image, memory and processes limited, a network that leads only to the platform'
const START_WAITS = 200
const START_WAIT_MS = 50

/** Runs the trainer of an image in containers that reach nothing but the platform. */
export async function openContainerPlace({ engine, id }: ImageToRun, options: PlaceOptions): Promise<RunPlace> {
  const { scratch, cacheDir, datasetCacheMaxGb, cleanups, manifest } = options
  cleanups.add(() => engine.close())
  const address = await engine.openNetwork()
  const elsewhere = await createElsewhere(join(scratch, 'elsewhere'), PATHS_OF_CONTAINER)
  const launcher = await engine.createLauncher({
    datasetCacheDir: cacheDir,
    datasetCacheMaxGb,
    folders: elsewhere,
  })
  const finder: ProcessFinder = {
    async findRoot(ref) {
      for (let tries = 0; tries < START_WAITS; tries++) {
        const pid = await engine.rootProcess(ref)
        if (pid !== undefined) return pid
        await sleep(START_WAIT_MS)
      }
      return undefined
    },
    // Its processes are gone then.
    hasEnded: () => Promise.resolve(false),
  }
  const resolved = {
    name: manifest.name,
    version: manifest.version,
    digest: id,
    manifest,
    image: { reference: id, digest: id },
  }
  const trainers: TrainerSource = {
    resolve: () => Promise.resolve(resolved),
    fetchBundle: () => Promise.reject(new Error('the trainer is an image, which has no folder')),
  }
  return {
    launcher: atAddress(launcher),
    trainers,
    processes: createProcessWatch(finder, address),
    address,
    note: NOTE,
    folder: undefined,
    listElsewhere: () => listElsewhere(elsewhere),
  }
}

/** Without the address of the engine's own bridge, which these containers cannot reach. */
function atAddress(inner: Launcher): Launcher {
  const { name, runs, host, capabilities, datasetCache } = inner
  return {
    name,
    runs,
    host,
    capabilities,
    datasetCache,
    launch: (request, options) => inner.launch(request, options),
    observe: (ref) => inner.observe(ref),
    stop: (ref, graceMs) => inner.stop(ref, graceMs),
    logs: (ref, from, options) => inner.logs(ref, from, options),
    openSpool: async (ref) => await inner.openSpool?.(ref),
    renewToken: async (ref, token) => await inner.renewToken?.(ref, token),
    list: () => inner.list(),
    remove: (ref) => inner.remove(ref),
    close: async () => await inner.close?.(),
  }
}
