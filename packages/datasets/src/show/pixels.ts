export interface Pixels {
  width: number
  height: number
  /** RGB, row by row. */
  data: Uint8Array
}

/** An image with more is not decoded. */
export const MAX_PIXELS = 100_000_000
