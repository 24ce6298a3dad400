import type { ArtifactList, Job, StoredEvent, TimelineEntry, TrainerManifest } from '@trainyard/contract'

/** Why an operation was run. */
export type RunPurpose = 'plain' | 'faults' | 'cancel'

/** How the process ended, as the launcher saw it. */
export interface ProcessEnd {
  readonly exitCode: number
  readonly signal: string | undefined
  /** True when the platform had asked it to stop: its exit code then says nothing about the work. */
  readonly stopped: boolean
}

/** What one run of one operation left behind. */
export interface OperationRecord {
  readonly operation: 'train' | 'predict' | 'export'
  readonly purpose: RunPurpose
  readonly job: Job
  /** The journal in order, rejected events included. */
  readonly events: readonly StoredEvent[]
  readonly artifacts: ArtifactList['artifacts']
  /** Undefined when it never ran, or nobody saw its end. */
  readonly end: ProcessEnd | undefined
  /** Raw lines of standard output and error, before anything is masked. */
  readonly output: readonly string[]
  /** True when the validator gave up waiting and cancelled it. */
  readonly timedOut: boolean
  readonly waitedMs: number
  /** Epochs that it was asked for, when its settings have a number of epochs. */
  readonly epochs: number | undefined
  /** Format that an export was asked for. */
  readonly exportFormat: string | undefined
  readonly faults: FaultRecord | undefined
}

/** Which faults took place. */
export interface FaultRecord {
  readonly refused: number
  readonly lostAnswers: number
  /** Requests that met the outage; 0 when the trainer never got so far. */
  readonly inOutage: number
  /** Whether the trainer asked again after the outage. */
  readonly askedAfterOutage: boolean
}

/** Everything that a compliance run saw: the only thing that compliance rules look at. */
export interface ComplianceRecord {
  readonly manifest: TrainerManifest
  /** What was given to it. */
  readonly dataset: { readonly images: number; readonly classes: number }
  readonly operations: readonly OperationRecord[]
  /** Set when time ran out before everything that was to run had run: nothing can be said about the rest. */
  readonly unfinished: string | undefined
  /** What appeared, changed or went in the trainer's own folder while it ran. */
  readonly folderChanges: readonly string[]
  /** In what its processes ran: a sentence. */
  readonly sandboxNote: string
  /** Token values that were handed to the trainer. */
  readonly credentials: readonly string[]
  readonly cancelGraceMs: number
  readonly timeline: readonly TimelineEntry[]
}

/** The plain runs of an operation. */
export function plainRun(
  record: ComplianceRecord,
  operation: OperationRecord['operation'],
): OperationRecord | undefined {
  return record.operations.find((run) => run.operation === operation && run.purpose === 'plain')
}

/** Events that were understood, of some types. */
export function eventsOf(run: OperationRecord, ...types: string[]): StoredEvent[] {
  return run.events.filter((event) => event.rejected === undefined && types.includes(event.type))
}

/** How a run is called in messages. */
export function nameRun({ operation, purpose }: OperationRecord): string {
  if (purpose === 'faults') return `${operation} with faults`
  return purpose === 'cancel' ? `${operation} that was cancelled` : operation
}

/** How a run ended, for the end of a sentence. */
export function sayEnd({ job, end, timedOut, waitedMs }: OperationRecord): string {
  const reason = timedOut
    ? `did not end within ${Math.round(waitedMs / 1000)} s`
    : `ended as ${job.state}${job.endReason ? ` (${job.endReason})` : ''}`
  const exit = end ? `, exit code ${end.exitCode}${end.signal ? `, ${end.signal}` : ''}` : ''
  const error = job.error ? `: ${job.error.message.slice(0, 300)}` : ''
  return `${reason}${exit}${error}`
}
