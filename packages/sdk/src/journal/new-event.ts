import type { TrainerEvent } from '@trainyard/contract'

type WithoutNumber<T> = T extends unknown ? Omit<T, 'seq' | 'time'> : never
/** An event as the trainer makes it: the journal adds number and time. */
export type NewEvent = WithoutNumber<TrainerEvent>
