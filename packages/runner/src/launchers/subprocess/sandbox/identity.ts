import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { AttemptRef } from '../../launcher.ts'

/** User and group ids for attempts. Accounts do not have to exist. */
export interface IdRange {
  first: number
  size: number
}

/** systemd's list of ids names no other use of these. */
const WIDE: IdRange = { first: 1_880_000_000, size: 200_000_000 }
/** For containers, which often map 65,536 ids. Above accounts, and below the ids of services. */
const NARROW: IdRange = { first: 30_000, size: 20_000 }

/** The ids that exist in this user namespace. */
export function findIdRange(map: string = readFileSync('/proc/self/uid_map', 'utf8')): IdRange | undefined {
  const ranges = map
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  const exists = ({ first, size }: IdRange) =>
    ranges.some(([start = 0, , length = 0]) => start <= first && first + size <= start + length)
  return [WIDE, NARROW].find(exists)
}

/** The user id of an attempt, which is its group's id too. Runners with other data have other ids for the same job number. */
export function attemptId(range: IdRange, host: string, { jobId, attempt }: AttemptRef): number {
  const digest = createHash('sha256').update(`${host} ${jobId} ${attempt}`).digest()
  return range.first + (digest.readUInt32LE(0) % range.size)
}
