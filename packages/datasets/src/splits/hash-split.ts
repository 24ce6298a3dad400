import { createHash } from 'node:crypto'
import type { SplitName } from '@trainyard/contract'

/**
 * The split of an image without a split in the dataset: MD5 of its key, modulo 10,000, with the ratios 0.7 / 0.2 / 0.1, as in
 * the platform's exporter. Adding an image moves no other.
 */
export function hashSplit(key: string): SplitName {
  const bucket = Number(BigInt(`0x${createHash('md5').update(key).digest('hex')}`) % 10_000n)
  if (bucket < 7000) return 'train'
  return bucket < 9000 ? 'val' : 'test'
}
