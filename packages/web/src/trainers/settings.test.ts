import { PublishedManifest } from '@trainyard/contract'
import { expect, test } from 'vitest'
import { manifest } from '../testing/fixtures.ts'
import { listSettings } from './settings.ts'

const withProperties = (properties: Record<string, unknown>) =>
  PublishedManifest.parse({ ...manifest, config: { schema: { type: 'object', properties } } })

test('lists type, default and range of each setting', () => {
  const [epochs, optimizer] = listSettings(
    withProperties({
      epochs: { type: 'integer', minimum: 1, maximum: 50, default: 5, description: 'Passes' },
      optimizer: { enum: ['adam', 'sgd'], 'x-group': 'Optimiser' },
    }),
  )
  expect(epochs).toMatchObject({
    name: 'epochs',
    type: 'integer',
    defaultValue: '5',
    range: '1 to 50',
    description: 'Passes',
    group: 'Basic',
    advanced: false,
  })
  expect(optimizer).toMatchObject({ type: 'choice', range: 'one of "adam", "sgd"', group: 'Optimiser' })
})

test('falls back to the platform’s default for basic settings', () => {
  expect(listSettings(withProperties({ imgsz: { type: 'integer' } }))[0]?.defaultValue).toBe('640')
  expect(
    listSettings(withProperties({ imgsz: { type: 'integer', 'x-advanced': true } }))[0]?.defaultValue,
  ).toBeUndefined()
})

test('shows settings with an unknown schema as far as possible', () => {
  expect(listSettings(withProperties({ odd: true, worse: { type: 7, minimum: 'low', default: 1 } }))).toMatchObject([
    { name: 'odd', type: 'any' },
    { name: 'worse', type: 'any', defaultValue: '1' },
  ])
})

test('names the first values of a long list', () => {
  const values = Array.from({ length: 100_000 }, (_, index) => index)
  const range = listSettings(withProperties({ many: { enum: values } }))[0]?.range ?? ''
  expect(range).toMatch(/^one of 0, 1, .*, 19 and 99980 more$/)
})
