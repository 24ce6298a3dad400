import type { MetricValue } from '@trainyard/contract'

/* Used by the server and the browser. */

export { formatBytes, formatDuration } from '@trainyard/contract/format'

const DAY = 86_400
/** Each unit with its length and with the distance, in seconds, up to which it is used. */
const UNITS: readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number, below: number][] = [
  ['second', 1, 59.5],
  ['minute', 60, 59.5 * 60],
  ['hour', 3600, 23.5 * 3600],
  ['day', DAY, 13.5 * DAY],
  ['week', 7 * DAY, 60 * DAY],
  ['month', 2_629_800, 23.5 * 2_629_800],
  ['year', 31_557_600, Number.POSITIVE_INFINITY],
]
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

/** `2026-11-20T09:30:00Z` → "3 minutes ago". Rounded to the nearest whole number of a unit that leaves little out. */
export function formatRelative(instant: string, now: Date): string {
  const seconds = (Date.parse(instant) - now.getTime()) / 1000
  if (Math.abs(seconds) < 10) return 'just now'
  const [unit, size] = UNITS.find(([, , below]) => Math.abs(seconds) < below) ?? ['year', 31_557_600]
  return relative.format(Math.round(seconds / size), unit)
}

/** A metric in at most four significant digits. */
export function formatMetric(value: MetricValue | null): string {
  if (value === null) return '–'
  if (typeof value === 'string') return value
  if (value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e6)) return value.toExponential(2)
  return String(Number(value.toPrecision(4)))
}

/** 12345 → "12,345". */
export function formatCount(value: number): string {
  return value.toLocaleString('en')
}

/** "1 version", "2 versions". */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** `2026-11-20T09:30:00.123Z` → "2026-11-20 09:30:00 UTC". */
export function formatInstant(instant: string): string {
  const date = new Date(instant)
  return Number.isNaN(date.getTime()) ? instant : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** The time of day in UTC, for log lines. */
export function formatClock(instant: string): string {
  const date = new Date(instant)
  return Number.isNaN(date.getTime()) ? instant : date.toISOString().slice(11, 19)
}
