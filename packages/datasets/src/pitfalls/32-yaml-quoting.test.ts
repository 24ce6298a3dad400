import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { createDataYaml } from '../formats/yolo/create-data-yaml.ts'
import { parseDataYaml } from '../formats/yolo/parse-data-yaml.ts'
import { readAll, temporaryFolder, writeTree } from '../testing/yolo-dataset.ts'

const nasty = [
  'no',
  'yes',
  'on',
  'off',
  'null',
  '~',
  '1.0',
  '1e3',
  '0x1f',
  '2024-01-01',
  '12:30:45',
  'a: b',
  '# not',
  '*a',
  '&a',
  '!tag',
  '- x',
  '[a]',
  '{a}',
  "it's",
  'say "hi"',
  'back\\slash',
  ' leading',
  'trailing ',
  '',
  'Cat',
  'cat',
  'cat ',
  '猫',
  '🐈‍⬛',
  'a\tb',
  'a\nb',
  '%',
  '@',
  '`',
  '|',
  '>',
  '\u2028',
  '\u0085',
  '\ufeff',
  '=',
  '<<',
  '__proto__',
  '---',
]

it('pitfall 32: class names are the same after reading them as YAML 1.1 and as 1.2', () => {
  const text = createDataYaml({ names: nasty })
  for (const version of ['1.1', '1.2'] as const) {
    const { names } = parse(text, { version, schema: version === '1.1' ? 'yaml-1.1' : 'core' })
    expect(Object.values(names)).toEqual(nasty)
  }
  expect(parseDataYaml(text).names).toEqual(nasty)
})

it('pitfall 32: every other text is the same too', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }), (names) => {
      expect(parseDataYaml(createDataYaml({ names })).names).toEqual(names)
      expect(Object.values(parse(createDataYaml({ names }), { version: '1.1' }).names)).toEqual(names)
    }),
  )
})

it('pitfall 32: bare words in the files of other tools stay text', async () => {
  using dir = temporaryFolder()
  writeTree(dir.path, {
    'data.yaml':
      'train: images\nval: images\nnames:\n  0: no\n  1: on\n  2: 1.0\n  3: null\n  4: 2024-01-01\n  5: 0x1f\n',
    'images/1.png': [100, 50],
  })
  const { reader } = await readAll(dir.path)
  expect(reader.classes.map(({ name }) => name)).toEqual(['no', 'on', '1.0', 'null', '2024-01-01', '0x1f'])
})

it('pitfall 32: a download is never written, and one in a file is counted and not run', async () => {
  expect(createDataYaml({ names: ['a'] })).not.toContain('download')
  using dir = temporaryFolder()
  writeTree(dir.path, {
    'data.yaml': 'train: images\nval: images\nnames: [cat]\ndownload: |\n  import os\n  os.remove("x")\n',
    'images/1.png': [100, 50],
  })
  const { reader } = await readAll(dir.path)
  expect(reader.losses?.count('download-ignored')).toBe(1)
})

it('pitfall 32: a file whose aliases expand without limit is refused', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
  for (let level = 1; level < 9; level++) {
    lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`)
  }
  expect(() => parseDataYaml(lines.join('\n'))).toThrow('not valid YAML')
})
