import { createHash } from 'node:crypto'
import type { SplitName } from '@trainyard/contract'

/**
 * The split of an image that nobody assigned: MD5 of its path, modulo 10,000, against 0.7 / 0.2 / 0.1, as DICE's exporter
 * and the SDK have it. Adding an image moves no other.
 */
export function hashSplit(path: string): SplitName {
  const bucket = Number(BigInt(`0x${createHash('md5').update(path).digest('hex')}`) % 10_000n)
  if (bucket < 7_000) return 'train'
  return bucket < 9_000 ? 'val' : 'test'
}
