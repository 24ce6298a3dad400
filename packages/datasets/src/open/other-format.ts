import type { DatasetFormat } from '@trainyard/contract'

/** A format of another tool. */
export interface OtherFormat {
  /** Undefined for one that is known by name and not read. */
  format?: DatasetFormat | undefined
  name: string
  /** The file that shows it. */
  seen: string
}
