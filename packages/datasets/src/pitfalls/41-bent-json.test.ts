import { describe, expect, it } from 'vitest'
import { coco, createFiles, image, read } from '../testing/coco-dataset.ts'

const bbox = [10, 10, 20, 20]
const text = JSON.stringify(coco([{ bbox }]))

describe('pitfall 41: JSON that tools write', () => {
  it('is read with a byte order mark', async () => {
    expect((await read(createFiles({ 'a.json': `\uFEFF${text}` }), 'coco')).annotations).toHaveLength(1)
  })

  it.each([
    ['UTF-16 without a mark', Buffer.from(text, 'utf16le'), 'a.json is UTF-16 or UTF-32 text'],
    ['a trailing comma in a list', text.replace('}]}', '},]}'), 'a.json has a trailing comma after annotations[0]'],
    ['a key twice', `{"images":[],${text.slice(1)}`, 'a.json has two members "images" at its top level'],
  ])('is refused with the reason: %s', async (_what, content, message) => {
    await expect(read(createFiles({ 'a.json': content }), 'coco')).rejects.toThrow(message)
  })

  it.each([
    ['NaN', '[10,10,20,20]', '[NaN,10,20,20]', 'NaN is not a JSON number'],
    ['Infinity', '[10,10', '[-Infinity,10', '-Infinity is not a JSON number'],
    ['a trailing comma', '20]', '20,]', 'it has a trailing comma'],
  ])('costs one annotation, which is counted with the reason: %s', async (_what, valid, bent, why) => {
    const two = JSON.stringify(coco([{ bbox }, { bbox: [1, 1, 5, 5] }]))
    const { annotations, reader } = await read(createFiles({ 'a.json': two.replace(valid, bent) }), 'coco')
    expect(annotations).toMatchObject([{ bbox: [1, 1, 5, 5] }])
    expect(reader.losses?.list()).toContainEqual(
      expect.objectContaining({
        reason: 'annotation-invalid',
        count: 1,
        examples: [expect.stringContaining(`annotations[0] in a.json is not JSON: ${why}`)],
      }),
    )
  })

  it('with bytes of another encoding costs one image, which is counted', async () => {
    const two = JSON.stringify(coco([{ bbox }], { images: [image(1, { file_name: '\xe9.jpg' }), image(2)] }))
    const { records, reader } = await read(createFiles({ 'a.json': Buffer.from(two, 'latin1') }), 'coco')
    expect(records.map(({ path }) => path)).toEqual(['2.jpg'])
    expect(reader.losses?.list()).toContainEqual({
      reason: 'image-invalid',
      count: 1,
      examples: ['images[0] in a.json holds bytes that are not UTF-8'],
    })
  })

  it('matches ids that are text in one place and numbers in another', async () => {
    const file = coco(
      [
        { image_id: '12', bbox },
        { image_id: 13, bbox },
        { image_id: 'a', bbox },
      ],
      { images: [image(12), image('13'), image('a')] },
    )
    const { records } = await read(createFiles({ 'a.json': file }), 'coco')
    expect(records.map(({ annotations }) => annotations.length)).toEqual([1, 1, 1])
  })

  it('distinguishes ids beyond 2^53', async () => {
    const file = JSON.stringify(
      coco(
        [
          { image_id: 'FIRST', bbox },
          { image_id: 'SECOND', bbox: [0, 0, 5, 5] },
          { image_id: 'SECOND', bbox },
        ],
        { images: [image('FIRST', { file_name: 'a.jpg' }), image('SECOND', { file_name: 'b.jpg' })] },
      ),
    )
    const content = file.replaceAll('"FIRST"', '9007199254740992').replaceAll('"SECOND"', '9007199254740993')
    const { records, reader } = await read(createFiles({ 'a.json': content }), 'coco')
    expect(records.map(({ annotations }) => annotations.length)).toEqual([1, 2])
    expect(reader.losses?.count('id-changed')).toBe(2)
  })
})
