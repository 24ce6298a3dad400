import { DatasetError } from '@trainyard/contract/trainer-errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDataYaml } from './create-data-yaml.ts'
import { parseDataYaml } from './parse-data-yaml.ts'

describe('data.yaml', () => {
  it('is read back as it was written', () => {
    const text = createDataYaml({
      names: ['person', 'dog'],
      task: 'pose',
      splits: { train: 'a b/train', val: 'val: x', test: 'test' },
      keypointShape: [3, 3],
      keypointNames: new Map([[0, ['nose', 'left: eye', 'right, eye']]]),
      flipIndex: [0, 2, 1],
    })
    expect(parseDataYaml(text)).toEqual({
      splits: { train: ['a b/train'], val: ['val: x'], test: ['test'] },
      names: ['person', 'dog'],
      classCount: 2,
      task: 'pose',
      keypointShape: [3, 3],
      keypointNames: new Map([[0, ['nose', 'left: eye', 'right, eye']]]),
      flipIndex: [0, 2, 1],
      hasDownload: false,
    })
  })

  it('can have no classes', () => {
    expect(parseDataYaml(createDataYaml({ names: [] })).names).toEqual([])
  })

  it('is read in every style that people and tools write', () => {
    const text = `\ufeff# Our data
path: ../datasets/ours  # relative to a setting
train: &train
  - images/a
  - images/b
validation: *train
test:   # none yet
nc: 2
names: {0: cat, '1': "dog"}
extra: {nested: [1, 2]}
`
    expect(parseDataYaml(text)).toMatchObject({
      path: '../datasets/ours',
      splits: { train: ['images/a', 'images/b'], val: ['images/a', 'images/b'] },
      names: ['cat', 'dog'],
    })
    expect(parseDataYaml('nc: 2\ntrain: x')).toMatchObject({ names: undefined, classCount: 2 })
    expect(parseDataYaml('train: x').names).toBeUndefined()
  })

  it.each([
    ['names: [[cat]]', 'the name of class 0 is ["cat"]; expected text'],
    ['names: cat', 'names is "cat"; expected a list'],
    ['names: {a: cat}', 'names has the key "a"'],
    ['names: {0: cat, 00: dog}', 'names has the keys 0, 00; expected the numbers 0 to 1, each once'],
    ['nc: many', 'nc is "many"; expected the number of classes'],
    ['names: [a]\nnames: [b]', 'not valid YAML'],
    ['kpt_shape: [17, 4]', 'expected [count, 2] or [count, 3]'],
    ['kpt_shape: [1e9, 3]', 'expected [count, 2] or [count, 3]'],
    ['!!python/object/apply:os.system ["true"]', 'expected a mapping'],
    ['', 'expected a mapping'],
  ])('%j is refused with a reason', (text, message) => {
    expect(() => parseDataYaml(text)).toThrow(message)
    expect(() => parseDataYaml(text)).toThrow(DatasetError)
  })

  it('gives a DataYaml or a DatasetError for any text', () => {
    const line = fc.tuple(
      fc.constantFrom(
        'names',
        'nc',
        'train',
        'val',
        'path',
        'kpt_shape',
        'flip_idx',
        'kpt_names',
        'task',
        '__proto__',
        '? [a]',
      ),
      fc.oneof(
        fc.string(),
        fc.constantFrom(
          '[a, b]',
          '{0: a, 1: b}',
          '{__proto__: a}',
          '{0: }',
          '*a',
          '&a [*a]',
          '!!set {a}',
          '[2, 3]',
          '\n  - a',
          '|',
          '~',
        ),
      ),
    )
    const text = fc.oneof(
      fc.string(),
      fc.array(line.map(([key, value]) => `${key}: ${value}`)).map((lines) => lines.join('\n')),
    )
    fc.assert(
      fc.property(text, (yaml) => {
        try {
          const { names, hasDownload } = parseDataYaml(yaml)
          expect(names === undefined || names.every((name) => typeof name === 'string')).toBe(true)
          expect(typeof hasDownload).toBe('boolean')
        } catch (error) {
          expect(error).toBeInstanceOf(DatasetError)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
