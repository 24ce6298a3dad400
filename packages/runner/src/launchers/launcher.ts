import type { JobConfig, Operation, TaskType, TrainerManifest } from '@trainyard/contract'
import type { BuildSandbox } from '@trainyard/environments'
import type { HttpLimits } from '@trainyard/platform'

/** One attempt of a job. Launchers name everything they create after it, so that they can find it again. */
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
  dataset?: { id: string; snapshotId: string; versionHash: string; splitId?: string | undefined } | undefined
  exportFormat?: string | undefined
  trainer: TrainerLocation
  /** The Python environment of a trainer that declares one. Its programs are first in PATH. */
  environment?: LaunchEnvironment | undefined
  /** What the manifest asks for. */
  resources: TrainerManifest['resources']
  /** Hosts in the manifest's `permissions.network`, in addition to the platform's own. */
  networkHosts: readonly string[]
  /** The runner enforces this limit itself. A launcher may set a later one as a backstop. */
  deadlineSeconds?: number | undefined
  /** Program and arguments, from the manifest's entry points. */
  argv: readonly string[]
  /** Arguments of the bridge, which then runs `argv`. Undefined: the program is started directly. */
  bridge?: readonly string[] | undefined
}

/** A complete Python environment. Trainers only read it. */
export interface LaunchEnvironment {
  key: string
  dir: string
  /** The folder with the libraries of its Python. */
  pythonPrefix: string
}

/** How a launcher keeps builds of Python environments apart, and which environments its attempts use. */
export interface EnvironmentBuilds {
  /** Undefined: builds can do what this user can. */
  sandbox: BuildSandbox | undefined
  keysInUse(): Promise<ReadonlySet<string>>
  /** The folder of the environment that an attempt uses. Undefined: it uses none, or was removed. */
  environmentOf(ref: AttemptRef): Promise<string | undefined>
}

/** What to run: an unpacked, read-only folder in which the process starts, or an image by digest. */
export type TrainerLocation = { type: 'folder'; dir: string } | { type: 'image'; reference: string }

/** Why an attempt ended, where the exit code does not tell. */
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
  | 'sandbox_failed'

/** The state of an attempt as its launcher sees it. */
export type Observation =
  /** Accepted, but its process has not started yet: the image is being pulled, or the pod waits for a node. */
  | { state: 'pending'; detail?: string | undefined }
  | { state: 'running' }
  | {
      state: 'exited'
      exitCode: number
      signal?: string | undefined
      reason?: ExitReason | undefined
      /** The engine's own message about the reason, shown to users. */
      detail?: string | undefined
      finishedAt?: Date | undefined
    }
  /** It was launched and has disappeared without an exit code, for example because the machine restarted. */
  | { state: 'lost' }
  /** It was never launched here, or has been removed. */
  | { state: 'absent' }

export type Exited = Extract<Observation, { state: 'exited' }>

/** How far the output has been read. Plain data, stored in the database. */
export interface OutputPosition {
  stdout: number
  stderr: number
}

export interface OutputLine {
  source: 'stdout' | 'stderr'
  text: string
  time: Date
}

export interface Output {
  lines: OutputLine[]
  /** The position after these lines. */
  position: OutputPosition
}

/** What the processes of an attempt use at a moment. What is not known is undefined. */
export interface ResourceUse {
  /** CPU time of all processes since the start. */
  cpuSeconds?: number | undefined
  /** Cores in use now, where the CPU time is not known. */
  cpuCores?: number | undefined
  memoryBytes?: number | undefined
  /** Mean over the devices of the attempt. */
  gpuPercent?: number | undefined
  /** Of all devices of the attempt. */
  gpuMemoryBytes?: number | undefined
}

export interface LauncherCapabilities {
  gpu: boolean
  memoryLimit: boolean
  networkPolicy: boolean
  imagePull: boolean
  /** Whether the size of a job's files is checked periodically. A job above `resources.diskGb` ends as `storage_limit`. */
  diskLimit?: boolean | undefined
  /** Whether all output arrives as `stdout`, because the engine merges both streams. */
  mergedOutput?: boolean | undefined
}

/** Devices of the launcher's machine. Each is assigned to one job at a time. */
export interface Devices {
  total: number
  free: number
}

export interface DatasetCache {
  /** Absolute path. */
  dir: string
  /** Size limit. The least recently used datasets are removed first. */
  maxGb: number
}

/** An HTTP application, as `fetch` handlers have it. */
export interface App {
  fetch(request: Request): Response | Promise<Response>
}

/** Starts trainers somewhere and watches them. Every method can be repeated safely. */
export interface Launcher {
  readonly name: string
  /** What it can start. A trainer that is available only in the other form is rejected, with a message. */
  readonly runs: TrainerLocation['type']
  /** Identifies where attempts run. Attempts of another host cannot be observed through this launcher. */
  readonly host: string
  readonly capabilities: LauncherCapabilities
  /** What weakens the isolation of trainers, for people. It is shown with each job. */
  readonly warning?: string | undefined
  /** An address of this machine at which trainers reach the runner, where they cannot reach loopback. */
  readonly callbackAddress?: string | undefined
  /**
   * A folder of this machine that trainers see, read-only, as their `DATASET_CACHE_DIR`. The runner fills it on request.
   * Undefined: each trainer fills a cache of its own.
   */
  readonly datasetCache?: DatasetCache | undefined
  /** Absent where trainers are images, which bring their own environment. */
  readonly environmentBuilds?: EnvironmentBuilds | undefined
  /**
   * Present where trainers have a network namespace of their own. Serves the app to them at the callback address; nothing
   * else on this machine is reachable. Until it is called, trainers cannot reach the runner.
   */
  openGateway?: ((app: App, limits?: Partial<HttpLimits>) => Promise<{ close(): Promise<void> }>) | undefined
  /**
   * Starts the attempt. Does nothing if it was launched before. After the signal is aborted, it starts nothing more; the
   * caller does not wait, and stops or removes the attempt.
   */
  launch(request: LaunchRequest, options?: { signal?: AbortSignal | undefined }): Promise<void>
  observe(ref: AttemptRef): Promise<Observation>
  /** What the attempt uses now. Undefined: nothing is running. Absent where it cannot be measured. */
  measure?(ref: AttemptRef): Promise<ResourceUse | undefined>
  /** Sends SIGTERM and, after the grace period, kills everything the attempt started. Resolves when it has ended. */
  stop(ref: AttemptRef, graceMs: number): Promise<void>
  /** Complete lines after a position. With `final`, also a last line without a newline. */
  logs(ref: AttemptRef, from: OutputPosition, options?: { final?: boolean | undefined }): Promise<Output>
  /**
   * Opens what an ended attempt left in its spool, a file of its own work folder that the trainer wrote: hostile input. Undefined
   * without one. Absent where the work folder ends with the process.
   */
  openSpool?(ref: AttemptRef): Promise<AsyncIterable<Buffer> | undefined>
  /** Devices that can be assigned. Absent where something else assigns them; undefined on a machine without devices. */
  devices?(): Promise<Devices | undefined>
  /** Replaces the token in the `CALLBACK_TOKEN_FILE` of a running trainer. Absent where the token is not in a file. */
  renewToken?(ref: AttemptRef, token: string): Promise<void>
  /** Attempts of this runner that still exist. */
  list(): AsyncIterable<AttemptRef>
  /** Kills what is left of the attempt and deletes its files. */
  remove(ref: AttemptRef): Promise<void>
  /** Closes connections. Trainers keep running. */
  close?(): Promise<void>
}
