import type { JobValidation } from '@trainyard/contract'
import { formatMetric, plural } from '../format.ts'
import { t } from '../words/t.ts'

type ClassMetrics = NonNullable<JobValidation['perClass']>
type Matrix = NonNullable<JobValidation['confusionMatrix']>

export interface ClassRates {
  name: string
  /** Of what was taken for this class, the share that is this class. */
  precision: number
  /** Of this class, the share that was found. */
  recall: number
}

/** Precision and recall of the classes of a confusion matrix, without those that have no example or were never predicted. */
export function ratesOf({ classes, counts }: Matrix): ClassRates[] {
  const columns: number[] = []
  for (const row of counts)
    for (const [column, count] of row.entries()) columns[column] = (columns[column] ?? 0) + count
  return classes.flatMap((name, at) => {
    const row = counts[at] ?? []
    const hits = row[at] ?? 0
    const actual = row.reduce((all, one) => all + one, 0)
    const predicted = columns[at] ?? 0
    return actual === 0 || predicted === 0 ? [] : [{ name, precision: hits / predicted, recall: hits / actual }]
  })
}

const WIDTH = 460
const HEIGHT = 260
const LEFT = 44
const BOTTOM = 34
const TOP = 12
const RIGHT = 12
/** More points are a cloud in which no class can be told from another. */
const POINTS_DRAWN = 1000
/** Classes that have their name beside their point. */
const NAMES_DRAWN = 4
const NAME_LENGTH = 18

/** The frame of a picture: two axes with their words. */
function Frame({ x, y, min = '0', max = '1' }: { x: string; y: string; min?: string; max?: string }) {
  return (
    <>
      <path class="axis" d={`M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}`} />
      <text x={LEFT - 6} y={TOP + 6} text-anchor="end">
        {max}
      </text>
      <text x={LEFT - 6} y={HEIGHT - BOTTOM} text-anchor="end">
        {min}
      </text>
      <text x={LEFT} y={HEIGHT - 6}>
        {min}
      </text>
      <text x={LEFT + 6} y={TOP + 6}>
        {y}
      </text>
      <text x={WIDTH - RIGHT} y={HEIGHT - 6} text-anchor="end">
        {x}
      </text>
    </>
  )
}

/** Precision over recall, a point for each class; the weakest ones have their names. */
export function PrecisionRecall({ rates }: { rates: readonly ClassRates[] }) {
  if (rates.length < 2) return null
  const weakestFirst = [...rates].sort((a, b) => a.precision + a.recall - (b.precision + b.recall))
  const shown = weakestFirst.slice(0, POINTS_DRAWN)
  // Good classes crowd in the corner: both axes begin at the tenth below the weakest value.
  const lowest = rates.reduce((low, { precision, recall }) => Math.min(low, precision, recall), 1)
  const min = Math.min(9, Math.floor(lowest * 10)) / 10
  const place = ({ precision, recall }: ClassRates) => ({
    x: Math.round(LEFT + ((recall - min) / (1 - min)) * (WIDTH - LEFT - RIGHT)),
    y: Math.round(TOP + ((1 - precision) / (1 - min)) * (HEIGHT - TOP - BOTTOM)),
  })
  const label = t('Precision over recall of {counted}. The weakest: {weakest}.', {
    counted: plural(rates.length, '{count} class', '{count} classes'),
    weakest: weakestFirst
      .slice(0, NAMES_DRAWN)
      .map(({ name, precision, recall }) => `${name} ${formatMetric(precision)} / ${formatMetric(recall)}`)
      .join(', '),
  })
  return (
    <figure class="chart">
      <figcaption>{t('Precision and recall of each class')}</figcaption>
      <svg class="static-chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
        <Frame x={t('recall 1')} y={t('precision')} min={String(min)} />
        {shown.map((one) => {
          const { x, y } = place(one)
          return (
            <circle class="dot" cx={x} cy={y} r="4">
              <title>
                {t('{name}: precision {precision}, recall {recall}', {
                  name: one.name,
                  precision: formatMetric(one.precision),
                  recall: formatMetric(one.recall),
                })}
              </title>
            </circle>
          )
        })}
        {namesApart(shown.map((one) => ({ name: one.name, ...place(one) }))).map(({ name, x, y }) => {
          const isRight = x > WIDTH * 0.6
          return (
            <text x={x + (isRight ? -8 : 8)} y={Math.max(TOP + 16, y + 4)} text-anchor={isRight ? 'end' : 'start'}>
              {name.length > NAME_LENGTH ? `${name.slice(0, NAME_LENGTH)}…` : name}
            </text>
          )
        })}
      </svg>
    </figure>
  )
}

/** The first names that do not lie on each other. */
function namesApart<Place extends { y: number }>(places: readonly Place[]): Place[] {
  const apart: Place[] = []
  for (const place of places.slice(0, 5 * NAMES_DRAWN)) {
    if (apart.length < NAMES_DRAWN && apart.every(({ y }) => Math.abs(y - place.y) > 14)) apart.push(place)
  }
  return apart
}

const BINS = 10
/** Fewer classes are read faster in the table. */
const LEAST_CLASSES = 8

/** How many classes reach which value of a metric that is a share of 1. */
export function ValueHistogram({ metric, perClass }: { metric: string; perClass: ClassMetrics }) {
  const values = Object.values(perClass)
    .map((metrics) => metrics[metric])
    .filter((value) => typeof value === 'number')
  if (values.length < LEAST_CLASSES || values.some((value) => value < 0 || value > 1)) return null
  const bins = Array.from({ length: BINS }, () => 0)
  for (const value of values) {
    const bin = Math.min(BINS - 1, Math.floor(value * BINS))
    bins[bin] = (bins[bin] ?? 0) + 1
  }
  const most = Math.max(...bins)
  const step = (WIDTH - LEFT - RIGHT) / BINS
  const height = HEIGHT - TOP - BOTTOM
  const words = bins.map((count, bin) => `${bin / BINS}–${(bin + 1) / BINS}: ${count}`).join(', ')
  return (
    <figure class="chart">
      <figcaption>{t('Classes by {metric}', { metric })}</figcaption>
      <svg
        class="static-chart"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={t('Number of classes by {metric}. {words}.', { metric, words })}
      >
        <Frame x={`${metric.slice(0, 40)} 1`} y={t('classes')} max={String(most)} />
        {bins.map((count, bin) => (
          <rect
            class="bar-value"
            x={round(LEFT + bin * step + 2)}
            y={round(TOP + height * (1 - count / most))}
            width={round(step - 4)}
            height={round((height * count) / most)}
          >
            <title>{`${bin / BINS}–${(bin + 1) / BINS}: ${count}`}</title>
          </rect>
        ))}
      </svg>
    </figure>
  )
}

const round = (value: number): number => Math.round(value * 10) / 10
