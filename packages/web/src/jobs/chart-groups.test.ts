import { expect, test } from 'vitest'
import { type ChartPoint, type ChartSeries, groupCharts, thinPoints } from './chart-groups.ts'

const series = (name: string, axis: ChartSeries['axis'] = 'epoch', ...steps: number[]): ChartSeries => ({
  name,
  axis,
  points: (steps.length === 0 ? [1, 2] : steps).map((step) => [step, 1, step]),
})
const titles = (all: ChartSeries[], primary = '') =>
  groupCharts([{ label: 'Job 1', series: all }], primary).map(({ title, charts }) => [
    title,
    charts.map((chart) => chart.title),
  ])

test('every metric is drawn, in a chart of its own, grouped by the prefix that its author wrote', () => {
  const names = [
    'val/mAP50',
    'lr',
    'train/box_loss',
    'epoch_seconds',
    'val/recall',
    'gpu/0/memory',
    '/odd',
    'b10',
    'b9',
  ]
  expect(titles(names.map((name) => series(name)))).toEqual([
    ['Other metrics', ['/odd', 'b9', 'b10', 'epoch_seconds', 'lr']],
    ['gpu', ['gpu/0/memory']],
    ['train', ['train/box_loss']],
    ['val', ['val/mAP50', 'val/recall']],
  ])
})

test('the primary metric is first, whatever its prefix', () => {
  expect(titles([series('a'), series('val/z')], 'val/z')).toEqual([
    ['Primary metric', ['val/z']],
    ['Other metrics', ['a']],
  ])
})

test('twenty series have twenty charts', () => {
  const all = Array.from({ length: 20 }, (_, index) => series(`metric_${index}`))
  expect(groupCharts([{ label: '', series: all }], 'metric_3').flatMap(({ charts }) => charts)).toHaveLength(20)
})

test('jobs that report the same metric share its chart; epochs and steps do not', () => {
  const runs = [
    { label: 'Job 1', series: [series('loss')] },
    { label: 'Job 2', series: [series('loss'), series('lr', 'step')] },
    { label: 'Job 3', series: [series('loss', 'step')] },
  ]
  const charts = groupCharts(runs, 'loss').flatMap((section) => section.charts)
  expect(charts.map(({ id, lines }) => [id, lines.map(({ label, run }) => [label, run])])).toEqual([
    [
      'epoch:loss',
      [
        ['Job 1', 0],
        ['Job 2', 1],
      ],
    ],
    ['step:loss', [['Job 3', 2]]],
    ['step:lr', [['Job 2', 1]]],
  ])
})

test('a series without points has no chart', () => {
  expect(groupCharts([{ label: '', series: [{ name: 'loss', axis: 'epoch', points: [] }] }], '')).toEqual([])
})

test('thinning keeps every spike and the order, and stays below the limit', () => {
  const points = Array.from({ length: 100_000 }, (_, step): ChartPoint => [step, Math.sin(step / 900), step])
  points[33_333] = [33_333, 99, 33_333]
  points[70_001] = [70_001, -99, 70_001]
  points[10] = [10, null, 10]
  const thin = thinPoints(points, 120)
  expect(thin.length).toBeLessThanOrEqual(122)
  expect(thin).toContainEqual([33_333, 99, 33_333])
  expect(thin).toContainEqual([70_001, -99, 70_001])
  expect(thin.map(([step]) => step)).toEqual(thin.map(([step]) => step).toSorted((a, b) => a - b))
})
