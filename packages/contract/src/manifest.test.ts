import { describe, expect, it } from 'vitest'
import { TrainerManifest } from './manifest.ts'

const manifest = {
  name: 'acme/test',
  version: '1.0.0',
  displayName: 'Test',
  description: 'Test',
  license: 'MIT',
  authors: ['Someone'],
  contract: '1',
  framework: 'test',
  entrypoints: { train: ['python', 'train.py'] },
  models: [{ name: 'small', taskTypes: ['classification'] }],
  taskTypes: ['classification'],
  datasetFormats: ['dice'],
}
const issuesOf = (changes: object) =>
  TrainerManifest.safeParse({ ...manifest, ...changes }).error?.issues.map(({ path, message }) => [
    path.join('.'),
    message,
  ])

describe('the settings of a manifest', () => {
  const issuesOfSettings = (properties: object) => issuesOf({ config: { schema: { properties } } })

  it('cannot have the name of a basic setting and be advanced: the basic one would win', () => {
    expect(issuesOfSettings({ epochs: { default: 3 }, dropout: { 'x-advanced': true } })).toBeUndefined()
    expect(issuesOfSettings({ epochs: { default: 3, 'x-advanced': false } })).toBeUndefined()
    expect(issuesOfSettings({ epochs: { default: 3, 'x-advanced': true } })).toEqual([
      [
        'config.schema.properties.epochs.x-advanced',
        'must not be true, because "epochs" is a basic setting of every trainer: leave it out, or choose another name',
      ],
    ])
  })
})

describe('the bridge of a manifest', () => {
  it('is optional, and so are its fields', () => {
    expect(issuesOf({})).toBeUndefined()
    expect(issuesOf({ bridge: {} })).toBeUndefined()
    expect(issuesOf({ bridge: { dataset: 'yolo', pixels: 'rgb', graceSeconds: 30 } })).toBeUndefined()
  })

  it.each([
    [{ dataset: 'yolo9' }, 'bridge.dataset'],
    [{ pixels: 'cmyk' }, 'bridge.pixels'],
    [{ graceSeconds: -1 }, 'bridge.graceSeconds'],
  ])('refuses %j', (bridge, path) => {
    expect(issuesOf({ bridge })?.map(([at]) => at)).toEqual([path])
  })

  it('refuses an entry point that starts the bridge again, and tells what to write', () => {
    const entrypoints = { train: ['trainyard', 'exec', '--', 'python', 'train.py'] }
    expect(issuesOf({ entrypoints })).toBeUndefined()
    expect(issuesOf({ entrypoints, bridge: {} })).toEqual([
      ['entrypoints.train.0', expect.stringContaining('must be the program itself, such as "python"')],
    ])
  })
})
