import type { JobConfig, Operation, TaskType } from '@trainyard/sdk/contract'

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
  dataset?: { id: string; snapshotId: string; versionHash: string }
  exportFormat?: string
  /** The trainer's unpacked folder, read-only; the process starts in it. */
  trainerDir: string
  /** Program and arguments, from the manifest's entry points. */
  argv: readonly string[]
}

/** What a launcher sees of an attempt. */
export type Observation =
  | { state: 'running' }
  | { state: 'exited'; exitCode: number; signal?: string; reason?: 'out_of_memory' | 'killed'; finishedAt?: Date }
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
}

/** Starts trainers somewhere and watches them. Every method is safe to repeat. */
export interface Launcher {
  readonly name: string
  /** Names the place where attempts live: another host's attempts cannot be observed from here. */
  readonly host: string
  readonly capabilities: LauncherCapabilities
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
  /** What of ours is still there. */
  list(): AsyncIterable<AttemptRef>
  /** Kills what is left of the attempt and deletes its files. */
  remove(ref: AttemptRef): Promise<void>
}
