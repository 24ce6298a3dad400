import type { Logger } from '@trainyard/platform'
import type { AttemptRef, Launcher } from './launcher.ts'

/** A part of an image: its config or a layer. */
export interface ImagePart {
  readonly digest: string
  readonly sizeBytes: number
  open(): AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>
}

/** An image that an engine can load. */
export interface LoadableImage {
  readonly config: ImagePart
  /** Lowest first. */
  readonly layers: readonly ImagePart[]
}

export interface ClosedEngineOptions {
  /** The `DOCKER_…` variables. */
  env: Readonly<Record<string, string | undefined>>
  /** Everything that is created carries it. */
  instanceId: string
  logger: Logger
}

export interface ClosedLauncherOptions {
  datasetCacheDir: string
  datasetCacheMaxGb: number
  /** Folders of this machine that trainers see, writable, at these paths: what is left in them was written elsewhere. */
  folders: readonly { path: string; dir: string }[]
}

/**
 * A Docker engine of this machine, for containers that reach one address of this machine and nothing else: their network has
 * no way out, and no names.
 */
export interface ClosedEngine {
  /** For example `linux/amd64`. */
  readonly platform: string
  /** Loads an image, or finds it in the engine. Returns its `sha256:…`, under which it can be run. */
  load(image: LoadableImage): Promise<string>
  /** Creates the network. Returns the address of this machine that its containers reach. */
  openNetwork(): Promise<string>
  createLauncher(options: ClosedLauncherOptions): Promise<Launcher>
  /** The first process of an attempt's container, as this machine numbers it. Undefined: it does not run. */
  rootProcess(ref: AttemptRef): Promise<number | undefined>
  /** Removes every container, volume, network and image of this instance, also those that a killed process left. */
  close(): Promise<void>
}
