/** Thrown by the intake queue when too many rows wait for the database. The trainer is told to retry with 429. */
export class IntakeFull extends Error {
  override readonly name = 'IntakeFull'
  readonly code = 'intake_full'
}

/** Thrown when a trainer cannot be fetched. The attempt ends with `trainer_unavailable`, and is retried if the cause allows it. */
export class TrainerUnavailable extends Error {
  override readonly name = 'TrainerUnavailable'
  readonly code = 'trainer_unavailable'

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

/** Thrown by `launch` when another job took the devices in the meantime. The job stays queued; the attempt does not count. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError'
  readonly code = 'no_room'
}

/** Thrown when the dataset of a job changed after the job was created. The attempt ends with `dataset_changed`. */
export class DatasetChanged extends Error {
  override readonly name = 'DatasetChanged'
  readonly code = 'dataset_changed'
}

/** Thrown by `launch` where trainers of others are not started, because this machine has no sandbox for them. */
export class SandboxUnavailable extends Error {
  override readonly name = 'SandboxUnavailable'
  readonly code = 'sandbox_unavailable'
}

/** Thrown when a container engine does not take an image, with the engine's message. Nothing of the image can be run there. */
export class ImageNotLoaded extends Error {
  override readonly name = 'ImageNotLoaded'
  readonly code = 'image_not_loaded'
}
