import type { JobConfig, Operation, TaskType, TrainerManifest } from '@trainyard/contract'

/** Which attempt of which job: the name under which a launcher finds its own things again. */
export interface AttemptRef {
  jobId: number
  attempt: number
}

/** Everything that a launcher needs to start one attempt. */
export interface LaunchRequest extends AttemptRef {
  operation: Operation
  callbackUrl: string
  token: string
  /** 32 hex digits. */
  traceId: string
  taskType: TaskType
  framework: string
  model: string
  config: JobConfig
  dataset?: { id: string; snapshotId: string; versionHash: string; splitId?: string }
  exportFormat?: string
  trainer: TrainerPlace
  /** What the manifest asks for. */
  resources: TrainerManifest['resources']
  /** Hosts beyond the platform's own that the manifest asks to reach. */
  networkHosts: readonly string[]
  /** The runner keeps this limit itself; a launcher may set it a little later, as a backstop. */
  deadlineSeconds?: number
  /** Program and arguments, from the manifest's entry points. */
  argv: readonly string[]
}

/** Where what is run lies: an unpacked, read-only folder in which the process starts, or an image by its digest. */
export type TrainerPlace = { type: 'folder'; dir: string } | { type: 'image'; reference: string }

/** Why something ended that its exit code does not tell. */
export type ExitReason =
  | 'out_of_memory'
  | 'killed'
  | 'storage_limit'
  | 'deadline'
  | 'preempted'
  | 'node_lost'
  | 'image_pull_failed'
  | 'unschedulable'
  | 'launch_failed'

/** What a launcher sees of an attempt. */
export type Observation =
  /** Accepted, and its process does not run yet: an image is pulled, a pod waits for a node. */
  | { state: 'pending'; detail?: string }
  | { state: 'running' }
  | {
      state: 'exited'
      exitCode: number
      signal?: string
      reason?: ExitReason
      /** A sentence of the engine about the reason, for people. */
      detail?: string
      finishedAt?: Date
    }
  /** It was launched, is not there any more, and nobody knows how it ended (the machine restarted, say). */
  | { state: 'lost' }
  /** It was never launched here, or has been removed. */
  | { state: 'absent' }

/** How far the output has been read; plain data, kept in the database. */
export interface OutputPosition {
  stdout: number
  stderr: number
}

export interface OutputLine {
  source: 'stdout' | 'stderr'
  text: string
  time: Date
}

export interface LauncherCapabilities {
  gpu: boolean
  memoryLimit: boolean
  networkPolicy: boolean
  imagePull: boolean
  /** What a job writes altogether is looked at now and then; beyond `resources.diskGb` it ends as `storage_limit`. */
  diskLimit?: boolean
  /** Everything printed comes as `stdout`: the engine does not keep the two apart. */
  mergedOutput?: boolean
}

/** Devices of the launcher's machine that jobs have for themselves. */
export interface Devices {
  total: number
  free: number
}

export interface DatasetCache {
  /** Absolute. */
  dir: string
  /** What it may take; what was not used for longest goes. */
  maxGb: number
}

/** Thrown by `launch` when somebody else took the devices meanwhile: the job waits on, and no attempt is lost. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError'
}

/** Starts trainers somewhere and watches them. Every method is safe to repeat. */
export interface Launcher {
  readonly name: string
  /** What it can start; a trainer that exists only as the other is refused by name. */
  readonly runs: TrainerPlace['type']
  /** Names the place where attempts live: another host's attempts cannot be observed from here. */
  readonly host: string
  readonly capabilities: LauncherCapabilities
  /** An address of this machine at which its trainers reach us, where they do not reach loopback. */
  readonly callbackAddress?: string
  /**
   * A folder of this machine that its trainers find as their `DATASET_CACHE_DIR` and do not write to: the runner fills it
   * when they ask. Absent: each fills one of its own.
   */
  readonly datasetCache?: DatasetCache
  /**
   * Its trainers have a network of their own. Whoever calls this serves them, under the callback's address, and nothing else
   * of this machine is there; unless somebody does, nobody hears them.
   */
  openGate?(app: { fetch(request: Request): Response | Promise<Response> }): Promise<{ close(): Promise<void> }>
  /** Starts the attempt; one that was already launched is left as it is. */
  launch(request: LaunchRequest): Promise<void>
  observe(ref: AttemptRef): Promise<Observation>
  /** Asks it to end (SIGTERM), and after the grace kills everything it started. Resolves once it is gone. */
  stop(ref: AttemptRef, graceMs: number): Promise<void>
  /** Complete lines after a position. `final` also gives a last line that has no newline. */
  logs(
    ref: AttemptRef,
    from: OutputPosition,
    options?: { final?: boolean },
  ): Promise<{ lines: OutputLine[]; position: OutputPosition }>
  /** Devices to share out; absent where somebody else does that, undefined when there are none to count. */
  devices?(): Promise<Devices | undefined>
  /** Puts a fresh token where the running trainer reads it: its `CALLBACK_TOKEN_FILE`. Absent where there is no file. */
  renewToken?(ref: AttemptRef, token: string): Promise<void>
  /** What of ours is still there. */
  list(): AsyncIterable<AttemptRef>
  /** Kills what is left of the attempt and deletes its files. */
  remove(ref: AttemptRef): Promise<void>
  /** Lets go of connections. Trainers run on. */
  close?(): Promise<void>
}
