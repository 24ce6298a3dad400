import fc from 'fast-check'
import { expect, it } from 'vitest'
import { assignSplits } from '../splits/assign-splits.ts'

const options = { ratios: { train: 0.7, val: 0.2, test: 0.1 }, seed: '', exactBelow: 1000, stratify: false }
const items = (keys: readonly string[]) => keys.map((key) => ({ key, size: 1, labels: new Map<number, number>() }))
const names = (count: number) => Array.from({ length: count }, (_, index) => `images/${index}.jpg`)

it('pitfall 37: a new image moves no other', () => {
  const before = assignSplits(items(names(1200)), options)
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 20 }), (added) => {
      const after = assignSplits(items([...added.map((name) => `new/${name}`), ...names(1200)]), options)
      for (const [key, split] of before) expect(after.get(key)).toBe(split)
    }),
    { numRuns: 20 },
  )
})

it('pitfall 37: in a small set a new image moves at most one other image for each split', () => {
  for (let count = 10; count < 60; count++) {
    const before = assignSplits(items(names(count)), options)
    const after = assignSplits(items(names(count + 1)), options)
    const moved = [...before].filter(([key, split]) => after.get(key) !== split)
    expect(moved.length).toBeLessThanOrEqual(2)
  }
})

it('pitfall 37: ten images are split into seven, two and one, whatever their names', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { minLength: 10, maxLength: 10 }), fc.string(), (keys, seed) => {
      const splits = [...assignSplits(items(keys), { ...options, seed }).values()]
      const count = (name: string) => splits.filter((split) => split === name).length
      expect([count('train'), count('val'), count('test')]).toEqual([7, 2, 1])
    }),
  )
})

it('pitfall 37: the result does not depend on the time', () => {
  const splits = assignSplits(items(names(10)), options)
  expect([...splits].filter(([, split]) => split !== 'train').sort()).toMatchInlineSnapshot(`
    [
      [
        "images/6.jpg",
        "test",
      ],
      [
        "images/7.jpg",
        "val",
      ],
      [
        "images/8.jpg",
        "val",
      ],
    ]
  `)
})
