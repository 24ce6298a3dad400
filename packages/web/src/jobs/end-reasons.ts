import type { EndReason } from '@trainyard/contract'

/** Why an attempt ended, and what the user can do. */
export const END_REASON_TEXTS: Record<EndReason, string> = {
  completed: 'The job finished.',
  cancelled_by_user: 'The job was cancelled.',
  superseded: 'A newer attempt replaced this one.',
  training_error: 'Training failed.',
  config_error: 'The trainer rejected the settings.',
  dataset_error: 'The trainer could not use the dataset.',
  dataset_changed: 'The dataset changed after the job was created. Create a new job to train on the current version.',
  validation_error: 'Validation failed.',
  environment_error: 'The Python environment of the trainer could not be prepared. The log has the details.',
  trainer_unavailable: 'The trainer could not be fetched from the registry.',
  out_of_memory: 'The trainer ran out of memory. Try a smaller batch or image size.',
  storage_limit: 'The trainer exceeded its disk limit.',
  deadline: 'The job exceeded its deadline.',
  heartbeat_lost: 'The trainer stopped sending heartbeats.',
  queued_too_long: 'The job waited too long in the queue.',
  start_timeout: 'The trainer was started but did not report in time.',
  launch_failed: 'The trainer’s process could not be started.',
  sandbox_failed: 'The platform could not start the trainer. This is not a fault of the trainer; ask the operator.',
  image_pull_failed: 'The trainer’s image could not be pulled.',
  unschedulable: 'No machine has the resources that the trainer requests.',
  node_lost: 'The machine that ran the job was lost.',
  preempted: 'The job was preempted by other work.',
  platform_unreachable: 'The trainer could not reach the platform.',
  exited_without_result: 'The trainer’s process exited without reporting a result.',
}
