import type { Trust, TrustTier } from './trainers-api.ts'

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
const SECONDS = { day: 86_400, hour: 3600, minute: 60 }

/** `512 B`, `3.4 kB`, `229 MB`: powers of 1000, one decimal below 100. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= (unit === 0 ? 1000 : 999.5) && unit < BYTE_UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[unit]}`
}

/** A text of any value: JSON for objects, which can have a `toString` that is no function. */
export function textOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}

/** `850 ms`, `3.4 s`, `12 s`, `2 min 5 s`, `1 h 2 min`, `1 d 1 h`. Only values below 10 seconds are rounded; longer ones are cut. */
export function formatDuration(ms: number): string {
  const milliseconds = Math.round(ms)
  if (milliseconds > 0 && milliseconds < 1000) return `${milliseconds} ms`
  if (milliseconds < 9950) return `${Math.max(0, Math.round(milliseconds / 100) / 10)} s`
  const total = Math.max(10, Math.floor(ms / 1000))
  const days = Math.floor(total / SECONDS.day)
  const hours = Math.floor((total % SECONDS.day) / SECONDS.hour)
  const minutes = Math.floor((total % SECONDS.hour) / SECONDS.minute)
  const seconds = total % SECONDS.minute
  if (days > 0) return `${days} d ${hours} h`
  if (hours > 0) return `${hours} h ${minutes} min`
  return minutes > 0 ? `${minutes} min ${seconds} s` : `${seconds} s`
}

/** A progress bar of `width` characters, for example `██████░░░░`. A fraction outside 0 to 1 is clamped. */
export function formatBar(fraction: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * width)
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}

const MAX_WORD = 100
const MAX_CANDIDATES = 1000

/** `; did you mean "jobs"?`, or nothing if no candidate is close to the word. `format` writes a candidate. */
export function suggest(
  word: string,
  candidates: readonly string[],
  format: (candidate: string) => string = (candidate) => candidate,
): string {
  // A stranger's words: the distance of long ones takes long to compute, and they are no misspellings.
  if (word.length > MAX_WORD) return ''
  const limit = Math.max(1, Math.floor(word.length / 2))
  const [closest] = candidates
    .slice(0, MAX_CANDIDATES)
    .filter((candidate) => Math.abs(candidate.length - word.length) <= 3)
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .filter(({ distance }) => distance <= Math.min(limit, 3))
    .sort((a, b) => a.distance - b.distance)
  return closest === undefined ? '' : `; did you mean "${format(closest.candidate)}"?`
}

/** How many letters to insert, remove, replace or swap: the optimal string alignment distance. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const isEqual = a[row - 1] === b[column - 1]
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isEqual ? 0 : 1),
        isSwap ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}

const TIERS: Readonly<Record<TrustTier, string>> = {
  checked: 'checked',
  checked_in_part: 'checked in part',
  unchecked: 'not checked',
}

export function formatTier(tier: TrustTier): string {
  return TIERS[tier]
}

/** For example "checked in part; skipped: malware (no scanner is configured)". */
export function formatTrust({ tier, skipped }: Trust): string {
  if (skipped.length === 0) return TIERS[tier]
  return `${TIERS[tier]}; skipped: ${skipped.map(({ check, reason }) => `${check} (${reason})`).join(', ')}`
}
