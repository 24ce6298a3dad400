import { expect, test } from 'vitest'
import { type ChartSeries, groupSeries } from './chart-groups.ts'
import { familyOf } from './metric-family.ts'

const over =
  (axis: ChartSeries['axis']) =>
  (name: string, ...steps: number[]): ChartSeries => ({
    name,
    axis,
    points: steps.map((step) => [step, 1]),
  })
const series = over('epoch')

test.each([
  ['train_loss', 'loss'],
  ['val/box_loss', 'loss'],
  ['mAP50-95', 'score'],
  ['top1_accuracy', 'score'],
  ['metrics/precision(B)', 'score'],
  ['learning_rate', 'other'],
  ['epoch_seconds', 'other'],
] as const)('%s belongs to the family %s', (name, family) => {
  expect(familyOf(name)).toBe(family)
})

test('losses and scores have separate charts; other metrics are not drawn', () => {
  const groups = groupSeries([series('loss', 1, 2), series('accuracy', 1, 2), series('lr', 1, 2)])
  expect(groups.map(({ title, series: members }) => [title, members.map(({ name }) => name)])).toEqual([
    ['Loss by epoch', ['loss']],
    ['Accuracy by epoch', ['accuracy']],
  ])
})

test('metrics by step are not drawn in charts by epoch', () => {
  const groups = groupSeries([over('step')('batch_loss', 1, 2), series('val_loss', 1, 2)])
  expect(groups.map(({ title }) => title)).toEqual(['Loss by epoch', 'Loss by step'])
})

test('a series without points has no chart', () => {
  expect(groupSeries([series('loss')])).toEqual([])
})
