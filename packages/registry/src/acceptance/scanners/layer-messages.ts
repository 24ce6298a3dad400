import type { LayerLimits } from '@trainyard/validator/image'

/** What is done with a layer in the worker. */
export type LayerJob =
  /** Lists its entries. */
  | { kind: 'listing' }
  /** Reads the file of one entry, if it is not larger. */
  | { kind: 'file'; index: number; maxBytes: number }
  | { kind: 'secrets' }
  | { kind: 'malware'; clamd: string; timeoutMs: number }
  | { kind: 'packages' }

/** To the worker: a job, and then the bytes of the layer, one piece for each `pull`. */
export type ToLayerWorker =
  | { type: 'job'; job: LayerJob; mediaType: string; limits: LayerLimits | undefined }
  | { type: 'piece'; bytes: Uint8Array }
  | { type: 'end' }
  | { type: 'broken'; reason: string }

/** From the worker. `refused`: the layer is at fault. `failed`: something else is. */
export type FromLayerWorker =
  | { type: 'pull' }
  | { type: 'file'; path: string; files: number }
  | { type: 'done'; result: unknown }
  | { type: 'refused'; reason: string }
  | { type: 'unavailable'; reason: string }
  | { type: 'failed'; reason: string }
