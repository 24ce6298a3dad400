import type { IgnoreRules, TrainerManifest } from '@trainyard/contract'
import type { ClosedEngine, Launcher, Logger, TrainerSource } from '@trainyard/runner'
import type { Cleanups } from './cleanups.ts'
import type { ProcessWatch } from './watch-processes.ts'

/** An image in an engine of this machine. */
export interface ImageToRun {
  readonly engine: ClosedEngine
  /** `sha256:…` */
  readonly id: string
}

/** What is run: a folder, without what is ignored, or an image. */
export type TrainerToRun =
  | { readonly dir: string; readonly isIgnored?: IgnoreRules | undefined }
  | { readonly image: ImageToRun }

/** Where a trainer runs, and how it is watched there. */
export interface RunPlace {
  readonly launcher: Launcher
  readonly trainers: TrainerSource
  readonly processes: ProcessWatch
  /** The address of this machine that the trainer reaches. Undefined: loopback. */
  readonly address: string | undefined
  /** Describes the isolation to people. */
  readonly note: string
  /** The folder of the trainer, and the copy in which its changes can be seen. Undefined: an image, which it cannot change. */
  readonly folder: { readonly original: string; readonly seen: string } | undefined
  /** The files that the trainer left outside of its work folder. */
  listElsewhere(): Promise<string[]>
}

export interface PlaceOptions {
  readonly manifest: TrainerManifest
  /** Removed at the end. */
  readonly scratch: string
  /** Of datasets. */
  readonly cacheDir: string
  readonly datasetCacheMaxGb: number
  readonly logger: Logger
  readonly cleanups: Cleanups
  /** Called with a host that the trainer asked for and must not reach. */
  readonly onRefused: (host: string) => void
}
