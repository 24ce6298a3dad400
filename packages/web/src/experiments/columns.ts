import type { JobSummary, MetricValue } from '@trainyard/contract'

export type CellValue = number | string | boolean

/** A setting or a metric of jobs. `key` names it in an address. */
export interface Column {
  key: string
  kind: 'setting' | 'metric'
  name: string
}

/** Columns that are shown when the address names none. */
const DEFAULT_SETTINGS = 5
const DEFAULT_METRICS = 4

/** What a job has in a column. Metrics that are not finite are texts, as they are in JSON. */
export function cellOf(job: JobSummary, { kind, name }: Column): CellValue | MetricValue | undefined {
  return kind === 'setting' ? job.settings?.[name] : job.latestMetrics[name]
}

/** The value if it is a finite number, for a picture. */
export function numberOf(job: JobSummary, column: Column): number | undefined {
  const value = cellOf(job, column)
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/**
 * All settings and metrics of some jobs: primary metrics first, then the settings in which the jobs differ, then the other metrics,
 * then the settings that are the same in all of them.
 */
export function columnsOf(jobs: readonly JobSummary[]): Column[] {
  const primary = new Set(jobs.map(({ primaryMetric }) => primaryMetric.name))
  const metrics = namesOf(jobs.map(({ latestMetrics }) => latestMetrics))
  const settings = namesOf(jobs.map(({ settings = {} }) => settings))
  const differs = (name: string) => new Set(jobs.map(({ settings = {} }) => settings[name])).size > 1
  const metric = (name: string): Column => ({ key: `m.${name}`, kind: 'metric', name })
  const setting = (name: string): Column => ({ key: `s.${name}`, kind: 'setting', name })
  return [
    ...metrics.filter((name) => primary.has(name)).map(metric),
    ...settings.filter(differs).map(setting),
    ...metrics.filter((name) => !primary.has(name)).map(metric),
    ...settings.filter((name) => !differs(name)).map(setting),
  ]
}

function namesOf(records: readonly Readonly<Record<string, unknown>>[]): string[] {
  return [...new Set(records.flatMap((record) => Object.keys(record)))]
}

/** The columns that an address names, or the first settings that differ and the first metrics. */
export function chooseColumns(all: readonly Column[], keys: readonly string[]): Column[] {
  const named = all.filter(({ key }) => keys.includes(key))
  if (named.length > 0) return named
  return [
    ...all.filter(({ kind }) => kind === 'metric').slice(0, DEFAULT_METRICS),
    ...all.filter(({ kind }) => kind === 'setting').slice(0, DEFAULT_SETTINGS),
  ]
}

/** Jobs by a column: numbers by size, texts by the alphabet; those without a value are last in both directions. */
export function sortJobs(jobs: readonly JobSummary[], column: Column, isDescending: boolean): JobSummary[] {
  return jobs.toSorted((a, b) => {
    const [x, y] = [cellOf(a, column), cellOf(b, column)]
    if (x === undefined || y === undefined) return (x === undefined ? 1 : 0) - (y === undefined ? 1 : 0)
    const order = typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y))
    return isDescending ? -order : order
  })
}

/** The job with the best primary metric. Undefined when jobs measure different things, or fewer than two have a value. */
export function bestOf(jobs: readonly JobSummary[]): JobSummary | undefined {
  const [first] = jobs
  if (first === undefined) return undefined
  const { name, goal } = first.primaryMetric
  if (jobs.some(({ primaryMetric }) => primaryMetric.name !== name || primaryMetric.goal !== goal)) return undefined
  const column: Column = { key: `m.${name}`, kind: 'metric', name }
  const measured = jobs.filter((job) => numberOf(job, column) !== undefined)
  return measured.length < 2 ? undefined : sortJobs(measured, column, goal === 'maximize')[0]
}
