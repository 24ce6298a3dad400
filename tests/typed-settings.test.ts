import {
  type ConfigOf,
  defineTrainer,
  getAdvancedConfig,
  type PredictJob,
  type ResolvedConfig,
  type TrainJob,
} from '@trainyard/sdk'
import { expect, expectTypeOf, it } from 'vitest'
import type minimal from '../examples/minimal-trainer/trainer.json'
import type tfjs from '../trainers/tfjs-classifier/trainer.json'

// These are checked by the compiler, with the other types of the repository.

it('the settings of an imported trainer.json have the types of its defaults', () => {
  type Config = ConfigOf<typeof tfjs>
  expectTypeOf<Config['advanced']['dropout']>().toEqualTypeOf<number>()
  expectTypeOf<Config['advanced']['color_mode']>().toEqualTypeOf<string>()
  expectTypeOf<Config['advanced']['cos_lr']>().toEqualTypeOf<boolean>()
  expectTypeOf<Config['basic']['epochs']>().toEqualTypeOf<number>()
  // Every trainer has it, also where the manifest does not declare it.
  expectTypeOf<ConfigOf<typeof minimal>['basic']['workers']>().toEqualTypeOf<number>()
  expectTypeOf<ConfigOf<typeof minimal>['advanced']>().toEqualTypeOf<Record<never, never>>()
})

it('a setting that the manifest does not declare is a type error', () => {
  const trainer = defineTrainer<typeof tfjs>({
    async train(job) {
      expectTypeOf(job).toEqualTypeOf<TrainJob<typeof tfjs>>()
      expectTypeOf(job.config.advanced.momentum).toEqualTypeOf<number>()
      // @ts-expect-error It is called "dropout".
      expect(job.config.advanced.drop_out).toBeUndefined()
      // @ts-expect-error It is an advanced setting.
      expect(job.config.basic.dropout).toBeUndefined()
    },
    async predict(job) {
      expectTypeOf(job).toEqualTypeOf<PredictJob<typeof tfjs>>()
    },
  })
  expect(Object.keys(trainer)).toEqual(['train', 'predict'])
})

const manifest = {
  config: {
    schema: {
      properties: {
        optimizer: { type: 'string', enum: ['adam', 'sgd'], default: 'adam' },
        anchors: { type: 'array', default: [], 'x-advanced': true },
        momentum: { type: 'number', 'x-advanced': true },
        mosaic: { type: 'boolean', default: true, 'x-advanced': true },
        tag: { type: 'string', default: '', 'x-advanced': false },
        odd: { 'x-advanced': true },
      },
    },
  },
} as const

it('a manifest with literal types gives unions, and values without a default can be undefined', () => {
  type Config = ConfigOf<typeof manifest>
  expectTypeOf<Config['basic']['optimizer']>().toEqualTypeOf<'adam' | 'sgd'>()
  expectTypeOf<Config['basic']['tag']>().toEqualTypeOf<string>()
  expectTypeOf<Config['advanced']>().toEqualTypeOf<{
    anchors: unknown[]
    momentum: number | undefined
    mosaic: boolean
    odd: unknown
  }>()
})

it('without a manifest the settings are those of every trainer', () => {
  expectTypeOf<ConfigOf<unknown>>().toEqualTypeOf<ResolvedConfig>()
  expectTypeOf<TrainJob['config']>().toEqualTypeOf<ResolvedConfig>()
})

it('the plain calls have the same types', async () => {
  const advanced = await getAdvancedConfig<typeof tfjs>({ CONFIG: '{"advanced":{"dropout":0.5}}' })
  expectTypeOf(advanced.dropout).toEqualTypeOf<number>()
  expect(advanced.dropout).toBe(0.5)
})
