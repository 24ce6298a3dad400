import { TrainerManifest } from '@trainyard/contract'
import { ConfigError } from '@trainyard/contract/trainer-errors'
import { describe, expect, it } from 'vitest'
import { readEnvironment } from './read-environment.ts'
import { resolveConfig } from './resolve-config.ts'

const manifest = TrainerManifest.parse({
  name: 'acme/test',
  version: '1.0.0',
  displayName: 'Test',
  description: 'Test',
  license: 'MIT',
  authors: ['Someone'],
  contract: '1',
  framework: 'test',
  entrypoints: { train: ['node', 'main.js'] },
  models: [{ name: 'small', taskTypes: ['classification'] }],
  taskTypes: ['classification'],
  datasetFormats: ['dice'],
  config: {
    schema: {
      properties: { epochs: { default: 20 }, imgsz: { default: 28 }, dropout: { default: 0.1, 'x-advanced': true } },
    },
  },
})

describe('settings', () => {
  it('are read from their own variable, then CONFIG, then the manifest, then the contract', () => {
    expect(resolveConfig({}, undefined).basic.epochs).toBe(100)
    expect(resolveConfig({}, manifest).basic.epochs).toBe(20)
    const CONFIG = '{"basic":{"epochs":7},"advanced":{"dropout":0.5}}'
    expect(resolveConfig({ CONFIG }, manifest)).toMatchObject({
      basic: { epochs: 7, imgsz: 28, batch: 16 },
      advanced: { dropout: 0.5 },
    })
    expect(resolveConfig({ CONFIG, CONFIG_EPOCHS: '8' }, manifest).basic.epochs).toBe(8)
    expect(resolveConfig({ CONFIG, CONFIG_EPOCHS: '8', EPOCHS: '9' }, manifest).basic.epochs).toBe(9)
    expect(resolveConfig({}, manifest).advanced).toEqual({ dropout: 0.1 })
  })

  it('are read under their older names', () => {
    const env = {
      CONFIG_BATCH_SIZE: '4',
      CONFIG_LEARNING_RATE: '0.1',
      CONFIG_AUGMENT: 'false',
      CONFIG_OPTIMIZER: 'sgd',
    }
    expect(resolveConfig(env).basic).toMatchObject({ batch: 4, learning_rate: 0.1, augment: false, optimizer: 'sgd' })
  })

  it.each([
    [{ EPOCHS: 'ten' }, /EPOCHS is "ten"; must be a number/],
    [{ EPOCHS: '0' }, /EPOCHS is "0"; must be more than 0/],
    [{ CONFIG: '{"basic":{"batch":"big"}}' }, /CONFIG\.basic\.batch is "big"; must be a number/],
    [{ CONFIG: '{' }, /CONFIG is "\{"; expected JSON/],
    [{ CONFIG_FILE: '/nowhere.json' }, /CONFIG_FILE is "\/nowhere\.json", which cannot be read/],
  ])('name the variable, its value and the expected value: %o', (env, message) => {
    expect(() => resolveConfig(env)).toThrow(message)
    expect(() => resolveConfig(env)).toThrow(ConfigError)
  })

  it('never show a token when the environment is invalid', () => {
    const read = () => readEnvironment({ CALLBACK_TOKEN: 'very-secret', JOB_ID: 'x', WORK_DIR: '' })
    expect(read).toThrow(/JOB_ID is "x"/)
    expect(read).toThrow(/WORK_DIR is not set/)
    expect(read).not.toThrow(/very-secret/)
  })
})
