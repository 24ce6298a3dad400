import { readFileSync } from 'node:fs'
import { TrainerManifest } from '@trainyard/contract'
import { ConfigError } from '@trainyard/sdk'
import { expect, test } from 'vitest'
import { buildNetwork } from './models/build-network.ts'
import { createRandom } from './random.ts'
import { chooseModel, parseSettings, SettingsSchema } from './settings.ts'
import { startBackend } from './tensors/start-backend.ts'

const manifest = TrainerManifest.parse(JSON.parse(readFileSync(new URL('../trainer.json', import.meta.url), 'utf8')))
const properties = manifest.config.schema.properties as Record<string, Record<string, unknown>>

test('the manifest declares exactly the settings that are read, with the same defaults', () => {
  const declared = Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, property.default]))
  expect(declared).toEqual(SettingsSchema.parse({}))
})

test('the manifest declares the same limits', () => {
  for (const [name, property] of Object.entries(properties)) {
    const accepts = (value: unknown) => SettingsSchema.safeParse({ [name]: value }).success
    for (const limit of [property.minimum, property.maximum]) {
      if (typeof limit === 'number') expect(accepts(limit), `${name} = ${limit}`).toBe(true)
    }
    if (typeof property.minimum === 'number') expect(accepts(property.minimum - 1), name).toBe(false)
    if (typeof property.maximum === 'number') expect(accepts(property.maximum + 1), name).toBe(false)
  }
})

test('every preset can be used', () => {
  for (const preset of Object.values(manifest.config.presets)) {
    expect(() => parseSettings({ basic: preset, advanced: {} })).not.toThrow()
  }
})

test('names every setting that cannot be used', () => {
  const parse = () => parseSettings({ basic: { epochs: 0, batch: 0 }, advanced: { dropout: 2 } })
  expect(parse).toThrow(ConfigError)
  expect(parse).toThrow(/dropout.*epochs|epochs.*dropout/)
  expect(parse).toThrow(/batch/)
})

test('refuses an unknown model and patches that do not fit', () => {
  const settings = parseSettings({ basic: { imgsz: 30 }, advanced: {} })
  expect(() => chooseModel('resnet', settings, 10)).toThrow('There is no model "resnet"')
  expect(() => chooseModel('patch-mixer', settings, 10)).toThrow(/patch_size must divide imgsz: 30 pixels/)
})

test('the manifest tells the true number of weights of every model', async () => {
  await startBackend()
  for (const model of manifest.models) {
    const network = buildNetwork(
      chooseModel(model.name, parseSettings({ basic: {}, advanced: {} }), 10),
      createRandom(1, ''),
    )
    expect([...network.weights.values()].reduce((sum, weight) => sum + weight.size, 0)).toBe(model.parameters)
    network.dispose()
  }
})
