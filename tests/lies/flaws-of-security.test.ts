import { expect, test } from 'vitest'
import { flaws } from '../../packages/validator/src/testing/flaws.ts'
import { testFlaws, testVariants } from './flaws.cases.ts'

testFlaws(/^TY[35]/)
testVariants()

test('every flaw is of a family that a file tests', () => {
  expect(Object.keys(flaws).filter((name) => !/^TY[3-6]\d\d/.test(name))).toEqual([])
})
