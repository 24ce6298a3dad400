import type { LayerLimits } from './inspect-layer.ts'

/** A layer that a scan reads, in the worker. */
export interface LayerScan {
  body: AsyncIterable<Uint8Array>
  mediaType: string
  limits?: LayerLimits | undefined
  /** Called before each file. */
  onFile(path: string): void
}

/** The first few of many paths with their number, for a message. */
export interface SomePaths {
  count: number
  examples: string[]
}

const EXAMPLES = 20

export function addPath(paths: SomePaths, path: string): void {
  paths.count += 1
  if (paths.examples.length < EXAMPLES) paths.examples.push(path)
}
