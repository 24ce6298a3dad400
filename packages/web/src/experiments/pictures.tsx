import type { JobSummary } from '@trainyard/contract'
import { formatMetric, plural } from '../format.ts'
import { jobTitle } from '../jobs/parts.tsx'
import { t } from '../words/t.ts'
import { type Column, numberOf } from './columns.ts'

const WIDTH = 720
const HEIGHT = 320
const LEFT = 64
const RIGHT = 24
const TOP = 28
const BOTTOM = 40
/** More axes are too close to each other to be read. */
const MAX_AXES = 7
const LABEL_LENGTH = 16

/** One column over another, a point for each job, which leads to it. */
export function Scatter({ jobs, x, y }: { jobs: readonly JobSummary[]; x: Column; y: Column }) {
  const points = jobs.flatMap((job) => {
    const [at, value] = [numberOf(job, x), numberOf(job, y)]
    return at === undefined || value === undefined ? [] : [{ job, at, value }]
  })
  if (points.length < 2) return <TooFew />
  const across = scaleOf(
    points.map(({ at }) => at),
    LEFT,
    WIDTH - RIGHT,
  )
  const up = scaleOf(
    points.map(({ value }) => value),
    HEIGHT - BOTTOM,
    TOP,
  )
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for form controls; this holds links
    <svg
      class="static-chart"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="group"
      aria-label={t('{y} over {x} of {counted}', { y: y.name, x: x.name, counted: countJobs(points.length) })}
    >
      <path class="axis" d={`M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}`} />
      <text x={LEFT} y={TOP - 10}>
        {y.name}
      </text>
      <text x={LEFT - 6} y={TOP + 6} text-anchor="end">
        {formatMetric(up.high)}
      </text>
      <text x={LEFT - 6} y={HEIGHT - BOTTOM} text-anchor="end">
        {formatMetric(up.low)}
      </text>
      <text x={LEFT} y={HEIGHT - BOTTOM + 18}>
        {formatMetric(across.low)}
      </text>
      <text x={WIDTH - RIGHT} y={HEIGHT - BOTTOM + 18} text-anchor="end">
        {formatMetric(across.high)}
      </text>
      <text x={(LEFT + WIDTH - RIGHT) / 2} y={HEIGHT - 6} text-anchor="middle">
        {x.name}
      </text>
      {points.map(({ job, at, value }) => {
        const text = `#${job.id} ${jobTitle(job)}: ${x.name} ${formatMetric(at)}, ${y.name} ${formatMetric(value)}`
        return (
          <a href={`/jobs/${job.id}`} aria-label={text}>
            <circle class="dot" cx={across.place(at)} cy={up.place(value)} r="6">
              <title>{text}</title>
            </circle>
          </a>
        )
      })}
    </svg>
  )
}

/** A line for each job through its values, an axis a column: what the best jobs have in common. */
export function ParallelCoordinates(props: { jobs: readonly JobSummary[]; columns: readonly Column[]; best?: number }) {
  const { jobs, best } = props
  const columns = props.columns
    .filter((column) => new Set(jobs.map((job) => numberOf(job, column)).filter((one) => one !== undefined)).size > 1)
    .slice(0, MAX_AXES)
  const whole = jobs.filter((job) => columns.every((column) => numberOf(job, column) !== undefined))
  if (columns.length < 2 || whole.length < 2) return <TooFew />
  const step = (WIDTH - LEFT - LEFT) / (columns.length - 1)
  const axes = columns.map((column, index) => ({
    column,
    x: Math.round(LEFT + index * step),
    scale: scaleOf(
      whole.map((job) => numberOf(job, column) ?? 0),
      HEIGHT - BOTTOM,
      TOP + 16,
    ),
  }))
  // The best one is drawn last, above the others.
  const ordered = whole.toSorted((a, b) => Number(a.id === best) - Number(b.id === best))
  return (
    <svg
      class="static-chart parallel"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={t('{columns} of {counted}. All values are in the table below.', {
        columns: columns.map(({ name }) => name).join(', '),
        counted: countJobs(whole.length),
      })}
    >
      {ordered.map((job) => (
        <path
          class={job.id === best ? 'parallel-line best' : 'parallel-line'}
          d={`M${axes.map(({ column, x, scale }) => `${x} ${scale.place(numberOf(job, column) ?? 0)}`).join('L')}`}
        >
          <title>{`#${job.id} ${jobTitle(job)}`}</title>
        </path>
      ))}
      {axes.map(({ column, x, scale }) => (
        <g text-anchor="middle">
          <path class="axis" d={`M${x} ${TOP + 16}V${HEIGHT - BOTTOM}`} />
          <text x={x} y={TOP - 12}>
            {column.name.length > LABEL_LENGTH ? `${column.name.slice(0, LABEL_LENGTH)}…` : column.name}
          </text>
          <text x={x} y={TOP + 8}>
            {formatMetric(scale.high)}
          </text>
          <text x={x} y={HEIGHT - BOTTOM + 18}>
            {formatMetric(scale.low)}
          </text>
        </g>
      ))}
    </svg>
  )
}

const countJobs = (count: number): string => plural(count, '{count} job', '{count} jobs')

function TooFew() {
  return <p class="muted">{t('Fewer than two jobs have these values as numbers.')}</p>
}

/** Places of values between two ends of an axis. One single value lies in the middle. */
function scaleOf(values: readonly number[], from: number, to: number) {
  const low = Math.min(...values)
  const high = Math.max(...values)
  const place = (value: number) => Math.round(from + (high === low ? 0.5 : (value - low) / (high - low)) * (to - from))
  return { low, high, place }
}
