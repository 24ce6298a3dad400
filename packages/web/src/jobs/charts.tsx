import { Scroll } from '../components/scroll.tsx'
import { formatMetric } from '../format.ts'
import { t } from '../words/t.ts'
import { type ChartLine, type ChartRun, type ChartSeries, groupCharts, thinPoints } from './chart-groups.ts'

interface ChartsProps {
  runs: readonly ChartRun[]
  /** Name of the metric that is drawn first. */
  primary: string
  ended: boolean
}

/** The charts as static SVG, shown without scripts and until they have run. */
export function Charts({ runs, primary, ended }: ChartsProps) {
  const sections = groupCharts(runs, primary)
  return (
    <div id="charts" class="charts" data-charts="">
      {sections.length === 0 && (
        <p class="muted charts-empty">
          {ended ? t('The trainer reported no metrics.') : t('Curves appear here with the first metrics.')}
        </p>
      )}
      {sections.map(({ title, charts }) => (
        <section class="chart-section">
          <h3>
            <bdi>{title}</bdi>
          </h3>
          <div class="chart-grid">
            {charts.map((chart) => (
              <figure class="chart" data-chart={chart.id}>
                <figcaption>
                  <bdi>{chart.title}</bdi>
                </figcaption>
                <StaticChart
                  label={t('{title} by {axis}; the values are in the table below', {
                    title: chart.title,
                    axis: axisWord(chart.axis),
                  })}
                  unit={axisWord(chart.axis)}
                  lines={chart.lines}
                />
                {chart.lines.length > 1 && (
                  <ul class="legend">
                    {chart.lines.map(({ label, run }) => (
                      <li>
                        <Swatch index={run} /> <bdi>{label}</bdi>
                      </li>
                    ))}
                  </ul>
                )}
              </figure>
            ))}
          </div>
        </section>
      ))}
    </div>
  )
}

export function Swatch({ index }: { index: number }) {
  return (
    <svg class={`swatch line-${index % 6}`} viewBox="0 0 24 8" width="24" height="8" aria-hidden="true">
      <path d="M1 4h22" />
    </svg>
  )
}

const WIDTH = 460
const HEIGHT = 220
/** Width of the labels of the vertical axis: 0.00095, -0.000639. */
const LEFT = 74
/** More are not visible in so small a picture, and each makes the page larger. */
const STATIC_POINTS = 120

interface StaticChartProps {
  /** For people who do not see it. */
  label: string
  /** Of the horizontal axis. */
  unit: string
  lines: readonly Pick<ChartLine, 'run' | 'series'>[]
  /** For amounts, of which half is half as high. Default: the vertical axis begins at the lowest value. */
  fromZero?: boolean | undefined
}

/** A chart that needs no scripts. */
export function StaticChart({ label, unit, lines: given, fromZero = false }: StaticChartProps) {
  const lines = given.map(({ run, series }) => ({ run, points: thinPoints(series.points, STATIC_POINTS) }))
  const finite = lines.flatMap(({ points }) => points.filter(([, value]) => value !== null))
  const [minX, maxX] = extent(finite.map(([step]) => step))
  const [lowest, maxY] = extent(finite.map(([, value]) => value ?? 0))
  const minY = fromZero ? Math.min(0, lowest) : lowest
  const x = (step: number) => round(LEFT + ((step - minX) / (maxX - minX || 1)) * (WIDTH - LEFT - 10))
  const y = (value: number) => round(HEIGHT - 24 - ((value - minY) / (maxY - minY || 1)) * (HEIGHT - 40))
  return (
    <svg class="static-chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      <path class="axis" d={`M${LEFT} 8V${HEIGHT - 24}H${WIDTH - 8}`} />
      <text x={LEFT - 6} y="20" text-anchor="end">
        {formatMetric(maxY)}
      </text>
      <text x={LEFT - 6} y={HEIGHT - 26} text-anchor="end">
        {formatMetric(minY)}
      </text>
      <text x={LEFT} y={HEIGHT - 6}>
        {minX}
      </text>
      <text x={WIDTH - 10} y={HEIGHT - 6} text-anchor="end">{`${unit} ${maxX}`}</text>
      {lines.map(({ run, points }) => (
        <path class={`line line-${run % 6}`} d={linePath(points, x, y)} />
      ))}
    </svg>
  )
}

const axisWord = (axis: ChartLine['series']['axis']): string => (axis === 'epoch' ? t('epoch') : t('step'))

function extent(values: readonly number[]): [number, number] {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const value of values) {
    if (value < low) low = value
    if (value > high) high = value
  }
  return values.length === 0 ? [0, 1] : [low, high]
}

const round = (value: number) => Math.round(value * 10) / 10

function linePath(points: ChartSeries['points'], x: (step: number) => number, y: (value: number) => number): string {
  let path = ''
  let pen = 'M'
  for (const [step, value] of points) {
    if (value === null) {
      pen = 'M'
      continue
    }
    path += `${pen}${x(step)} ${y(value)}`
    pen = 'L'
  }
  return path
}

/** Values in a table. More make the page large. */
const TABLE_VALUES = 4000

/** The metrics as a table, newest step first, at most 200 steps. */
export function MetricTable({ series, ended }: { series: readonly ChartSeries[]; ended: boolean }) {
  const rows = new Map<number, Map<string, number | null>>()
  for (const { name, points } of series) {
    for (const [step, value] of points) {
      const row = rows.get(step) ?? new Map<string, number | null>()
      row.set(name, value)
      rows.set(step, row)
    }
  }
  const steps = [...rows.keys()].sort((a, b) => b - a)
  const shown = steps.slice(0, Math.max(10, Math.min(200, Math.floor(TABLE_VALUES / series.length))))
  if (steps.length === 0) return <p class="muted">{ended ? t('No metrics.') : t('No metrics yet.')}</p>
  const isSample = series.some(({ count, points }) => count !== undefined && count > points.length)
  return (
    <>
      <Scroll label={t('Table of metrics')}>
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">
                {t('Step')}
              </th>
              {series.map(({ name }) => (
                <th scope="col" class="number">
                  <bdi>{name}</bdi>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((step) => (
              <tr>
                <th scope="row" class="number">
                  {step}
                </th>
                {series.map(({ name }) => {
                  const value = rows.get(step)?.get(name)
                  return (
                    <td class="number">
                      {value === undefined ? '' : value === null ? t('not finite') : formatMetric(value)}
                    </td>
                  )
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {(shown.length < steps.length || isSample) && (
        <p class="muted">
          {shown.length < steps.length &&
            `${t('The newest {count} of {total} steps.', { count: shown.length, total: steps.length })} `}
          {isSample && t('Long series are a sample of their steps; the CSV file has all of them.')}
        </p>
      )}
    </>
  )
}
