/** What a launch is doing, for messages. */
export type LaunchStage =
  | 'checking the files of the dataset'
  | 'fetching the trainer'
  | 'preparing the environment'
  | 'starting the trainer'

/** Steps of a launch after its dataset was checked: what it needs is prepared, and its trainer is started. */
export type LaunchVerb = 'prepare' | 'launch'

/** An attempt that this runner is launching, as the supervisor sees it. */
export interface LaunchInProgress {
  state: 'launching'
  stage: LaunchStage
  /** When it last made progress. Undefined while it waits for its turn. */
  activeAt: Date | undefined
}
