import type { EndReason } from '@trainyard/contract'

/** Why an attempt ended, for people, and what they can do. */
export const END_REASON_TEXTS: Record<EndReason, string> = {
  completed: 'The job has done its work.',
  cancelled_by_user: 'It was cancelled on request.',
  superseded: 'A newer attempt has taken its place.',
  training_error: 'The trainer failed while it was training.',
  config_error: 'The trainer did not accept the settings.',
  dataset_error: 'The trainer could not use the dataset.',
  dataset_changed: 'The dataset changed after the job was created. Create a new job to train on what is there now.',
  validation_error: 'The trainer failed while it was evaluating.',
  trainer_unavailable: 'The trainer could not be fetched from the registry.',
  out_of_memory: 'It ran out of memory. A smaller batch or image size may help.',
  storage_limit: 'It filled its disk.',
  deadline: 'It ran longer than its deadline allowed.',
  heartbeat_lost: 'Nothing was heard from the trainer for too long.',
  queued_too_long: 'It waited too long for a free place.',
  start_timeout: 'The trainer was started but never reported.',
  launch_failed: 'The trainer’s process could not be started.',
  image_pull_failed: 'The trainer’s image could not be pulled.',
  unschedulable: 'No machine has what the trainer needs.',
  node_lost: 'The machine it ran on was lost.',
  preempted: 'Its machine was taken for more urgent work.',
  platform_unreachable: 'The trainer could not reach the platform.',
  exited_without_result: 'The trainer’s process ended without saying how it went.',
}
