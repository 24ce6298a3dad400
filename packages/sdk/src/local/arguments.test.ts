import { TrainerManifest } from '@trainyard/contract'
import { expect, test } from 'vitest'
import { parseArguments } from './arguments.ts'

const manifest = TrainerManifest.parse({
  name: 'acme/tiny',
  version: '1.0.0',
  displayName: 'Tiny',
  description: 'Tiny',
  license: 'Apache-2.0',
  authors: ['Ada'],
  contract: '1',
  framework: 'none',
  entrypoints: { train: ['node', 'main.js'] },
  models: [{ name: 'tiny', taskTypes: ['classification'] }],
  taskTypes: ['classification'],
  datasetFormats: ['dice'],
  config: { schema: { properties: { idle: { type: 'string', 'x-advanced': true }, alpha: { type: 'number' } } } },
})
const parse = (...argv: string[]) => parseArguments(argv, {}, manifest)

test.each([
  [['train', '--epoch', '3'], '--epoch is not an option; did you mean "--epochs"? See --help'],
  [['train', '--datset=x'], '--datset is not an option; did you mean "--dataset"? See --help'],
  [['train', '--frobnicate'], '--frobnicate is not an option. See --help'],
  [['train', '--alpha', '1'], '--alpha is a setting of this trainer; expected --set alpha=VALUE. See --help'],
])('explains the arguments %j', (argv, message) => {
  expect(() => parse(...argv)).toThrow(message)
})

test('the type of a value of --set and its group come from the manifest', () => {
  const { env } = parse('train', '--set', 'idle=1', '--set', 'alpha=1')
  expect(JSON.parse(env.CONFIG ?? '')).toEqual({ basic: { alpha: 1 }, advanced: { idle: '1' } })
})
