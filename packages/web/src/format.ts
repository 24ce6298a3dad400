import type { MetricValue } from '@trainyard/contract'
import { formatDuration as formatEnglishDuration } from '@trainyard/contract/format'
import { currentLanguage, type Language } from './words/language.ts'
import { fill, type PlaceholdersOf, t } from './words/t.ts'

/* Used by the server and the browser, in the language of the page. */

export { formatBytes } from '@trainyard/contract/format'

const KOREAN_UNITS: Readonly<Record<string, string>> = { d: '일', h: '시간', min: '분', s: '초' }

/** "850 ms", "12 s", "2 min 5 s", "1 h 2 min". */
export function formatDuration(ms: number): string {
  const english = formatEnglishDuration(ms)
  if (currentLanguage() === 'en') return english
  return english.replace(/ (d|h|min|s)\b/g, (whole, unit: string) => KOREAN_UNITS[unit] ?? whole)
}

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
const relative: Readonly<Record<Language, Intl.RelativeTimeFormat>> = {
  en: new Intl.RelativeTimeFormat('en', { numeric: 'auto' }),
  ko: new Intl.RelativeTimeFormat('ko', { numeric: 'auto' }),
}

/** `2026-11-20T09:30:00Z` → "3 minutes ago". Rounded to the nearest whole number of a unit that leaves little out. */
export function formatRelative(instant: string, now: Date): string {
  const seconds = (Date.parse(instant) - now.getTime()) / 1000
  if (Math.abs(seconds) < 10) return t('just now')
  const [unit, size] = UNITS.find(([, , below]) => Math.abs(seconds) < below) ?? ['year', 31_557_600]
  return relative[currentLanguage()].format(Math.round(seconds / size), unit)
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
  return value.toLocaleString(currentLanguage())
}

type CountedText<Text extends string> = [Exclude<PlaceholdersOf<Text>, 'count'>] extends [never] ? Text : never

/** "1 version", "2 versions": a text with `{count}` for one and for other numbers. Korean has one form for both. */
export function plural<const One extends string, const Other extends string>(
  count: number,
  one: CountedText<One>,
  other: CountedText<Other>,
): string {
  return fill(count === 1 ? one : other, { count: formatCount(count) })
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
