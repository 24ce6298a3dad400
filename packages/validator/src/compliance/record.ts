import type { ArtifactList, Job, StoredEvent, TaskType, TimelineEntry, TrainerManifest } from '@trainyard/contract'
import type { OnnxOutcome } from '../exports/run-onnx.ts'
import type { SeenProcesses } from './watch-processes.ts'

/**
 * The purpose of a run. `larger`: trains on more images, whose labels are random. `swapped`: uses the checkpoint of that
 * training instead of that of the plain one.
 */
export type RunPurpose = 'plain' | 'faults' | 'cancel' | 'larger' | 'swapped'

/** A request of a trainer. Times are in terms of `Date.now()`. */
export interface JobRequest {
  /** Method and path. */
  readonly summary: string
  readonly from: number
  readonly to: number
}

/** How a process ended. */
export interface ProcessEnd {
  readonly exitCode: number
  readonly signal: string | undefined
  /** Whether the platform stopped it. Its exit code then says nothing about its work. */
  readonly stopped: boolean
}

/** The record of one run of one operation. */
export interface OperationRecord {
  readonly operation: 'train' | 'predict' | 'export'
  readonly purpose: RunPurpose
  readonly job: Job
  /** The journal in order, including rejected events. */
  readonly events: readonly StoredEvent[]
  readonly artifacts: ArtifactList['artifacts']
  /** The content of the artifacts. */
  readonly uploads: readonly Upload[]
  /** Undefined if the process never ran or its end was not observed. */
  readonly end: ProcessEnd | undefined
  /** Lines of standard output and error. Secrets are not masked. */
  readonly output: readonly string[]
  /** The size of the whole output, of which `output` has a part if it is large. */
  readonly outputBytes: number
  readonly processes: SeenProcesses
  /** Its requests, in the order of their ends. */
  readonly requests: readonly JobRequest[]
  /** How often it asked for the files of its dataset. */
  readonly datasetRequests: number
  /** Files of the dataset in the cache that it changed or deleted. */
  readonly datasetChanges: readonly string[]
  /** Hosts that the proxy refused to it. */
  readonly refusedHosts: readonly string[]
  /** Whether the validator cancelled it because the time was used up. */
  readonly timedOut: boolean
  readonly waitedMs: number
  /** The number of epochs in its settings, if they have one. */
  readonly epochs: number | undefined
  /** The requested format of an export. */
  readonly exportFormat: string | undefined
  readonly faults: FaultRecord | undefined
}

/** An artifact that was uploaded. */
export interface Upload {
  readonly id: string
  readonly kind: string
  readonly name: string
  readonly sizeBytes: number
  readonly sha256: string
  /** The first bytes of it. */
  readonly head: Uint8Array
}

/** The faults that were injected. */
export interface FaultRecord {
  readonly refused: number
  readonly lostResponses: number
  /** Requests during the outage; 0 if the outage did not start. */
  readonly inOutage: number
  /** Whether the trainer sent requests after the outage. */
  readonly requestedAfterOutage: boolean
}

/** The record of a compliance run. Compliance rules use nothing else. */
export interface ComplianceRecord {
  readonly manifest: TrainerManifest
  readonly task: TaskType
  /** The generated dataset of the predictions. Its labels are wrong, and only the validator knows the true classes. */
  readonly heldOut: {
    readonly images: number
    readonly classes: number
    readonly truth: ReadonlyMap<string, number>
    /** Names of the classes by their id. */
    readonly classNames: readonly string[]
    /** Width and height of every image. */
    readonly imageSize: number
  }
  /** Whether the trainer has a setting for the seed, which the trainings had in common. */
  readonly isSeeded: boolean
  readonly operations: readonly OperationRecord[]
  /** Why the Python environment could not be made. Then there are no operations. */
  readonly environmentProblem?: { message: string; file: string | undefined; line: number | undefined } | undefined
  /** Set if the time was used up before all operations had run. */
  readonly unfinished: string | undefined
  /** What running the exported model showed. Undefined: it is not ONNX, or was not exported. */
  readonly exported: OnnxOutcome | undefined
  /** Files that were added, changed or deleted in the trainer's own folder. */
  readonly folderChanges: readonly string[]
  /** Files that the trainer left outside of its work folder, where the sandbox lets it write to find out. */
  readonly strayFiles: readonly string[]
  /** Describes the sandbox of the trainer's processes. */
  readonly sandboxNote: string
  /** Tokens that the trainer had. */
  readonly credentials: readonly string[]
  readonly cancelGraceMs: number
  readonly timeline: readonly TimelineEntry[]
}

/** The plain run of an operation. */
export function plainRun(
  record: Pick<ComplianceRecord, 'operations'>,
  operation: OperationRecord['operation'],
): OperationRecord | undefined {
  return findRun(record, operation, 'plain')
}

export function findRun(
  { operations }: Pick<ComplianceRecord, 'operations'>,
  operation: OperationRecord['operation'],
  purpose: RunPurpose,
): OperationRecord | undefined {
  return operations.find((run) => run.operation === operation && run.purpose === purpose)
}

/** The checkpoint that a training calls the best, or else its last one. */
export function findCheckpoint({ artifacts, events }: OperationRecord): ArtifactList['artifacts'][number] | undefined {
  const saved = artifacts.filter(({ kind }) => kind === 'checkpoint')
  const named = events.filter(({ type }) => type === 'checkpoint')
  const best = named.findLast(({ body }) => body.name === 'best') ?? named.at(-1)
  return saved.find(({ id }) => id === best?.body.artifactId) ?? saved.at(-1)
}

/** The file that an export made, and its format. Undefined: it failed, or the file is empty. */
export function findExported(run: OperationRecord | undefined): (Upload & { format: string | undefined }) | undefined {
  const { result } = run?.job ?? {}
  if (run?.job.state !== 'succeeded' || result?.operation !== 'export') return undefined
  const upload = run.uploads.find(({ id }) => id === result.artifactId)
  return upload === undefined || upload.sizeBytes === 0 ? undefined : { ...upload, format: run.exportFormat }
}

/** The accepted events of some types. */
export function eventsOf(run: OperationRecord, ...types: string[]): StoredEvent[] {
  return run.events.filter((event) => event.rejected === undefined && types.includes(event.type))
}

const ADDITIONS: Readonly<Record<RunPurpose, string | undefined>> = {
  plain: undefined,
  faults: 'with faults',
  cancel: 'cancelled',
  larger: 'on a larger dataset',
  swapped: 'with another checkpoint',
}

/** The name of a run in messages. */
export function nameRun({ operation, purpose }: OperationRecord): string {
  const addition = ADDITIONS[purpose]
  return addition === undefined ? operation : `${operation} (${addition})`
}

/** How a run ended, as the end of a sentence. */
export function describeEnd({ job, end, timedOut, waitedMs }: OperationRecord): string {
  const reason = timedOut
    ? `did not end within ${Math.round(waitedMs / 1000)} s`
    : `ended as ${job.state}${job.endReason ? ` (${job.endReason})` : ''}`
  const exit = end ? `, exit code ${end.exitCode}${end.signal ? `, ${end.signal}` : ''}` : ''
  const error = job.error ? `: ${job.error.message.slice(0, 300)}` : ''
  return `${reason}${exit}${error}`
}
