import { createHash } from 'node:crypto'
import type { SplitName } from '@trainyard/sdk/contract'

/** The split of an image that nobody assigned: a hash of its path, so that adding an image moves no other. 0.7/0.2/0.1. */
export function hashSplit(path: string): SplitName {
  const share = createHash('sha256').update(path).digest().readUInt32BE(0) / 2 ** 32
  if (share < 0.7) return 'train'
  return share < 0.9 ? 'val' : 'test'
}
