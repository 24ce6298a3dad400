import type { TrainerManifest, TrainerModel } from '@trainyard/contract'
import { expect, test } from 'vitest'
import { chooseSettings } from './choose-settings.ts'

const model: TrainerModel = { name: 'm', taskTypes: ['detection'], inputSize: 640 }

function choose(properties: Record<string, unknown>, extra: Record<string, unknown> = {}, presets = {}) {
  const config = { schema: { type: 'object', properties, ...extra }, presets }
  return chooseSettings({ config } as unknown as TrainerManifest, model, 2, 7)
}

test('sets only settings that the schema declares', () => {
  expect(choose({})).toEqual({ config: {}, epochs: undefined })
  expect(choose({ epochs: { type: 'integer' }, seed: { type: 'integer' } })).toEqual({
    config: { epochs: 2, seed: 7 },
    epochs: 2,
  })
})

test('respects limits, steps and enumerations', () => {
  const { config } = choose({
    epochs: { type: 'integer', minimum: 5 },
    imgsz: { type: 'integer', minimum: 32, maximum: 320, multipleOf: 32 },
    batch: { enum: [2, 16, 64] },
    device: { type: 'string', enum: ['auto', 'cuda'] },
    workers: { type: 'integer', exclusiveMinimum: 0 },
  })
  expect(config).toEqual({ epochs: 5, imgsz: 320, batch: 16, workers: 1 })
})

test('sets required settings without a default, from a preset if there is one', () => {
  const { config } = choose(
    {
      depth: { type: 'integer', minimum: 3 },
      mode: { enum: ['a', 'b'] },
      width: { type: 'number' },
      given: { default: 1 },
    },
    { required: ['depth', 'mode', 'width', 'given'] },
    { fast: { width: 0.5 } },
  )
  expect(config).toEqual({ depth: 3, mode: 'a', width: 0.5 })
})

test('takes the smallest image size of the presets and of the model', () => {
  const properties = { imgsz: { type: 'integer', minimum: 32 } }
  expect(choose(properties, {}, { fast: { imgsz: 320 }, accurate: { imgsz: 960 } }).config).toEqual({ imgsz: 320 })
  expect(choose(properties, {}, { accurate: { imgsz: 960 }, small: { imgsz: 'auto' } }).config).toEqual({ imgsz: 640 })
})
