/** What a route accepts as a body. A body that exceeds a limit is refused with 413, before it is parsed. */
export interface BodyLimits {
  /** Bytes as sent, compressed or not. */
  maxBodyBytes: number
  /** Bytes after decompression. Default: `maxBodyBytes`. */
  maxInflatedBytes?: number | undefined
  /** Arrays and objects within each other. Default: 64. */
  maxDepth?: number | undefined
  /** Values in the whole document: parsing and checking cost time for each. Default: 5,000. */
  maxValues?: number | undefined
  /**
   * Different fields in the whole document: a name counts again after other names than before. Parsing costs a microsecond for each.
   * Default: 50,000, five times the names of metrics that a job can have.
   */
  maxFields?: number | undefined
}

/** The limits of a route in full, with those that the route adds. They are sent with the refusal. */
export type FullBodyLimits = { [K in keyof BodyLimits]-?: number }

export function fullLimits(limits: BodyLimits): FullBodyLimits {
  const { maxBodyBytes, maxInflatedBytes = maxBodyBytes, maxDepth = 64, maxValues = 5000, maxFields = 50_000 } = limits
  return { ...limits, maxBodyBytes, maxInflatedBytes, maxDepth, maxValues, maxFields }
}

/** For requests of people, which hold a few fields: accounts, sessions, tokens, organisations. */
export const PEOPLE_BODY: BodyLimits = { maxBodyBytes: 64 * 1024 }
