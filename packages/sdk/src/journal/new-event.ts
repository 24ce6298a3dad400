import type { TrainerEvent } from '@trainyard/contract'

type WithoutNumber<T> = T extends unknown ? Omit<T, 'seq' | 'time'> : never

/** An event as the trainer creates it. The journal adds `seq` and `time`. */
export type NewEvent = WithoutNumber<TrainerEvent>
