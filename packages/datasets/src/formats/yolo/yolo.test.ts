import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Annotation } from '../../record/record.ts'
import { cornersOfRotatedBox } from '../../testing/rotated-box.ts'
import { readAll, temporaryFolder, writeTree, writeYolo } from '../../testing/yolo-dataset.ts'

const box = (x: number, y: number, width: number, height: number, classId = 0): Annotation => ({
  kind: 'box',
  classId,
  bbox: [x, y, width, height],
})

describe('a written YOLO dataset', () => {
  it('has images, labels and data.yaml where the loader looks for them', async () => {
    using dir = temporaryFolder()
    const { text, lost } = await writeYolo(dir.path, 'detection', [
      { path: 'a/1.png', annotations: [box(10, 5, 20, 10), box(0, 0, 100, 50, 1)] },
      { path: 'images/val/2.png', split: 'val', annotations: [] },
    ])
    expect(text('labels/train/a/1.txt')).toBe('0 0.2 0.2 0.2 0.2\n1 0.5 0.5 1 1\n')
    expect(text('labels/val/2.txt')).toBe('')
    expect(existsSync(join(dir.path, 'target/images/train/a/1.png'))).toBe(true)
    expect(existsSync(join(dir.path, 'target/images/val/2.png'))).toBe(true)
    expect(text('data.yaml')).toBe(
      '# task: detection\ntrain: "images/train"\nval: "images/val"\n\nnc: 2\nnames:\n  0: "cat"\n  1: "dog"\n',
    )
    expect(lost('split-changed')).toBe(0)
  })

  it('keeps every row of a file with thousands of rows', async () => {
    using dir = temporaryFolder()
    const annotations = Array.from({ length: 3000 }, (_, index) =>
      box(index % 50, 1 + (index % 7), 3 + index / 3000, 4),
    )
    const { text, report } = await writeYolo(dir.path, 'detection', [{ annotations }])
    const rows = text('labels/train/0.txt').trimEnd().split('\n')
    expect(rows).toHaveLength(3000)
    expect(rows[2999]).toBe('0 0.509998 0.12 0.039997 0.08')
    expect(report.build({ from: 'dice', to: 'yolo', taskType: 'detection', target: '' }, []).annotations).toBe(3000)
  })

  it('assigns an image without a split by its path, and counts it', async () => {
    using dir = temporaryFolder()
    const { report, read } = await writeYolo(
      dir.path,
      'detection',
      Array.from({ length: 20 }, () => ({ split: undefined, annotations: [box(1, 1, 5, 5)] })),
    )
    expect(report.losses.count('split-changed')).toBe(20)
    const { records } = await read()
    expect(new Set(records.map(({ split }) => split)).size).toBeGreaterThan(1)
  })

  it('has a folder for each class for classification', async () => {
    using dir = temporaryFolder()
    const { read } = await writeYolo(dir.path, 'classification', [
      { annotations: [{ kind: 'class', classId: 1 }] },
      { annotations: [{ kind: 'class', classId: 0 }], split: 'val' },
    ])
    const { reader, records } = await read()
    expect(reader.format).toBe('yolo')
    expect(records.map(({ path }) => path)).toEqual(['train/dog/0.png', 'val/cat/1.png'])
    expect(records.map(({ annotations }) => annotations)).toEqual([
      [{ kind: 'class', classId: 1 }],
      [{ kind: 'class', classId: 0 }],
    ])
  })
})

const [width, height] = [640, 417]
const share = fc.double({ min: 0, max: 1, noNaN: true })
const classId = fc.integer({ min: 0, max: 1 })
const anyBox: fc.Arbitrary<Annotation> = fc.tuple(classId, share, share, share, share).map(([id, a, b, c, d]) => {
  const x = a * (width - 2)
  const y = b * (height - 2)
  return box(x, y, 1 + c * (width - x - 1), 1 + d * (height - y - 1), id)
})
const anyPolygon: fc.Arbitrary<Annotation> = fc
  .tuple(
    classId,
    fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: width }), fc.integer({ min: 0, max: height })), {
      minLength: 3,
      maxLength: 9,
      selector: ([x, y]) => `${x} ${y}`,
    }),
  )
  .map(([id, points]) => {
    // Sorted around their centre, so that they have an area.
    const [cx, cy] = [0, 1].map((axis) => points.reduce((sum, point) => sum + (point[axis] ?? 0), 0) / points.length)
    const angle = ([x, y]: [number, number]) => Math.atan2(y - (cy ?? 0), x - (cx ?? 0))
    return { kind: 'polygon', classId: id, polygons: [points.toSorted((a, b) => angle(a) - angle(b)).flat()] }
  })
const anyObb: fc.Arbitrary<Annotation> = fc
  .tuple(classId, fc.double({ min: -180, max: 180, noNaN: true }), share, share)
  .map(([id, angle, a, b]) => ({
    kind: 'obb',
    classId: id,
    obb: cornersOfRotatedBox({ x: 320, y: 200, width: 20 + 150 * a, height: 20 + 150 * b, angle }),
  }))
const anyPose: fc.Arbitrary<Annotation> = fc
  .tuple(anyBox, fc.array(fc.tuple(share, share, fc.integer({ min: 0, max: 2 })), { minLength: 3, maxLength: 3 }))
  .map(([{ bbox, classId: id }, points]) => ({
    kind: 'keypoints',
    classId: id,
    bbox,
    keypoints: points.flatMap(([x, y, v]) => (v === 0 ? [0, 0, 0] : [x * width, y * height, v])),
  }))

describe('a YOLO dataset that is written and read back', () => {
  it.each([
    ['detection', anyBox, (annotation: Annotation) => annotation.bbox],
    ['segmentation', anyPolygon, (annotation: Annotation) => annotation.polygons?.[0]],
    ['pose', anyPose, (annotation: Annotation) => [...(annotation.bbox ?? []), ...(annotation.keypoints ?? [])]],
    ['obb', anyObb, (annotation: Annotation) => annotation.obb],
  ] as const)('has the same %s within a millionth of the image', async (task, arbitrary, numbers) => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitrary, { maxLength: 6 }), async (annotations) => {
        using dir = temporaryFolder()
        const classes = ['cat', 'dog'].map((name, id) => ({ id, name, keypoints: ['a', 'b', 'c'] }))
        const written = await writeYolo(dir.path, task, [{ width, height, annotations }], {
          classes,
          options: { decimals: 9 },
        })
        const { reader, records } = await written.read()
        expect(reader.taskType).toBe(task)
        const found = records[0]?.annotations ?? []
        // Exact duplicates and objects without an area are counted; everything else is kept.
        const gone =
          written.lost('annotation-duplicate') +
          written.lost('annotation-too-small') +
          written.lost('polygon-degenerate')
        if (gone > 0) return
        expect(found.map(({ classId: id }) => id)).toEqual(annotations.map(({ classId: id }) => id))
        for (const [index, annotation] of annotations.entries()) {
          const expected = numbers(annotation) ?? []
          const actual = numbers(found[index] as Annotation) ?? []
          expect(actual).toHaveLength(expected.length)
          for (const [at, value] of expected.entries()) expect(Math.abs((actual[at] ?? 0) - value)).toBeLessThan(640e-6)
        }
      }),
      { numRuns: 25 },
    )
  })
})

describe('a YOLO dataset of another tool', () => {
  const row = '0 0.5 0.5 0.5 0.5\n'
  const yaml = (rest: string) => `${rest}\nnames: [cat]\n`

  it.each<[string, Record<string, string | [number, number]>]>([
    [
      'images/{split}',
      {
        'data.yaml': yaml('path: ../datasets/mine\ntrain: images/train\nval: images/val'),
        'images/train/1.png': [20, 10],
        'labels/train/1.txt': row,
      },
    ],
    [
      '{split}/images as Roboflow writes it',
      {
        'data.yaml': yaml('train: ../train/images\nval: ../valid/images'),
        'train/images/1.png': [20, 10],
        'train/labels/1.txt': row,
      },
    ],
    [
      'a list relative to itself',
      {
        'data.yaml': yaml('train: lists/train.txt\nval: lists/val.txt'),
        'lists/train.txt': './../images/1.png\n',
        'lists/val.txt': '',
        'images/1.png': [20, 10],
        'labels/1.txt': row,
      },
    ],
    [
      'a list with the paths of another machine',
      {
        'data.yaml': yaml('train: train.txt\nval: []'),
        'train.txt': 'C:\\data\\mine\\images\\1.png\n',
        'images/1.png': [20, 10],
        'labels/1.txt': row,
      },
    ],
    [
      'several folders',
      {
        'data.yaml': yaml('train: [a/images, b/images]\nval: a/images'),
        'a/images/1.png': [20, 10],
        'a/labels/1.txt': row,
        'b/readme.md': '',
        'b/images/n.txt': '',
      },
    ],
    [
      'darknet',
      {
        'obj.data': 'classes = 1\ntrain = data/train.txt\nnames = data/obj.names\n',
        'obj.names': 'cat\n',
        'train.txt': 'data/obj_train_data/1.png\n',
        'obj_train_data/1.png': [20, 10],
        'obj_train_data/1.txt': row,
      },
    ],
    ['folders alone', { 'classes.txt': 'cat\n', 'images/train/1.png': [20, 10], 'labels/train/1.txt': row }],
    [
      'a path of another machine',
      {
        'data.yaml': yaml('path: /home/me/mine\ntrain: /home/me/mine/images/train\nval: images/train'),
        'images/train/1.png': [20, 10],
        'labels/train/1.txt': row,
      },
    ],
  ])('is read with %s', async (_what, files) => {
    using dir = temporaryFolder()
    writeTree(dir.path, files)
    const { reader, records } = await readAll(dir.path)
    expect(reader.classes).toEqual([{ id: 0, name: 'cat' }])
    expect(records).toHaveLength(1)
    expect(records[0]).toMatchObject({ width: 20, height: 10, split: 'train' })
    expect(records[0]?.annotations).toEqual([box(5, 2.5, 10, 5)])
  })

  it('finds labels by the last folder called images', async () => {
    using dir = temporaryFolder()
    writeTree(dir.path, {
      'data.yaml': yaml('train: images/a\nval: images/a'),
      'images/a/images/1.png': [20, 10],
      'images/a/labels/1.txt': row,
      'labels/a/images/1.txt': '0 0.1 0.1 0.1 0.1\n',
    })
    const { records } = await readAll(dir.path)
    expect(records[0]?.annotations).toEqual([box(5, 2.5, 10, 5)])
  })

  it('reads no file outside of it', async () => {
    using dir = temporaryFolder()
    writeTree(dir.path, {
      'secret/images/1.png': [20, 10],
      'data/data.yaml': yaml('path: ..\ntrain: train.txt\nval: ../secret/images'),
      'data/train.txt': '../secret/images/1.png\n/etc/passwd\nimages/1.png\n',
      'data/images/1.png': [20, 10],
    })
    const { reader, records } = await readAll(join(dir.path, 'data'))
    expect(records.map(({ path }) => path)).toEqual(['images/1.png'])
    expect(reader.losses?.count('image-missing-file')).toBe(1)
  })

  it('has as many classes as its labels use when no list names them', async () => {
    using dir = temporaryFolder()
    writeTree(dir.path, { 'images/1.png': [20, 10], 'labels/1.txt': '2 0.5 0.5 0.5 0.5\n' })
    const { reader } = await readAll(dir.path)
    expect(reader.classes.map(({ name }) => name)).toEqual(['class_0', 'class_1', 'class_2'])
  })

  it('reports what is wrong with its data.yaml', async () => {
    using dir = temporaryFolder()
    for (const [text, message] of [
      ['train: nowhere\nval: nowhere\nnames: [cat]', 'data.yaml: train is "nowhere"'],
      ['names: {0: cat, 2: dog}\ntrain: images', 'data.yaml: names has the key "2"; expected the numbers 0 to 1'],
      ['nc: 3\nnames: [cat]\ntrain: images', 'data.yaml: nc is 3; expected 1, the number of names'],
      ['names: [', 'data.yaml: not valid YAML'],
      ['- 1', 'expected a mapping'],
      ['kpt_shape: [17]\nnames: [a]\ntrain: images', 'kpt_shape is ["17"]; expected [count, 2] or [count, 3]'],
    ]) {
      writeTree(dir.path, { 'data.yaml': text ?? '', 'images/1.png': [20, 10] })
      await expect(readAll(dir.path)).rejects.toThrow(message)
    }
  })

  it('is read by its rows, also when another task is requested', async () => {
    using dir = temporaryFolder()
    writeTree(dir.path, {
      'pose/data.yaml': 'train: images\nval: images\nkpt_shape: [1, 3]\nnames: [cat]\n',
      'pose/images/1.png': [100, 50],
      'pose/labels/1.txt': '0 0.5 0.5 0.2 0.2 0.5 0.5 2\n',
      'quads/classes.txt': 'cat\n',
      'quads/images/1.png': [100, 50],
      'quads/labels/1.txt': '0 0.1 0.2 0.3 0.2 0.3 0.4 0.1 0.4\n',
    })
    const pose = await readAll(join(dir.path, 'pose'), { task: 'detection' })
    expect(pose.records[0]?.annotations).toEqual([
      { kind: 'keypoints', classId: 0, bbox: [40, 20, 20, 10], keypoints: [50, 25, 2] },
    ])
    const kindFor = async (task?: 'obb' | 'segmentation' | 'detection') => {
      const { reader, records } = await readAll(join(dir.path, 'quads'), { task })
      return [reader.taskType, records[0]?.annotations[0]?.kind]
    }
    expect(await kindFor()).toEqual(['obb', 'obb'])
    expect(await kindFor('obb')).toEqual(['obb', 'obb'])
    expect(await kindFor('segmentation')).toEqual(['segmentation', 'polygon'])
    expect(await kindFor('detection')).toEqual(['obb', 'obb'])
  })
})
