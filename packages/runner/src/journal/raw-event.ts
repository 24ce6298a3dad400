/** An event as a trainer sent it. */
export type RawEvent = { seq: number } & Record<string, unknown>
