import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TargetFormat, TaskType } from '@trainyard/contract'
import { coco, createDice, createDir, createFiles, createPng, image } from '@trainyard/datasets/testing'
import { describe, expect, it } from 'vitest'
import { resolveConfig } from '../config/resolve-config.ts'
import { parseArguments } from '../local/arguments.ts'
import { createLocalBackend } from '../local/local-backend.ts'
import { Session } from './session.ts'

function createSession(dataset: string, taskType: TaskType): { session: Session; workDir: string } {
  const workDir = createDir()
  const session = new Session({
    settings: {
      id: 1,
      attempt: 1,
      operation: 'train',
      taskType,
      framework: 'test',
      model: 'small',
      traceId: 'a'.repeat(32),
      config: resolveConfig({}),
      workDir,
      manifest: undefined,
      exportFormat: undefined,
    },
    backend: createLocalBackend(workDir, parseArguments(['train', '--dataset', dataset], {})),
    stop: new AbortController(),
    allowNaN: false,
    print: () => {},
  })
  return { session, workDir }
}

const png = createPng(100, 50)
const source = () =>
  createFiles({
    'annotations/instances_train.json': coco([{ bbox: [10, 10, 20, 20], segmentation: [[10, 10, 30, 10, 30, 30]] }], {
      images: [image(1, { file_name: '1.png' })],
    }),
    'annotations/instances_val.json': coco([{ bbox: [0, 0, 50, 50] }], { images: [image(1, { file_name: '2.png' })] }),
    '1.png': png,
    '2.png': png,
  })

describe('job.dataset.fetch', () => {
  it('converts COCO to YOLO for the job’s task, in the work folder, with copies of the images', async () => {
    const { session, workDir } = createSession(source(), 'detection')
    const fetched = await session.dataset.fetch({ as: 'yolo' })
    expect(fetched).toMatchObject({
      dir: join(workDir, 'dataset-yolo'),
      classes: [
        { id: 0, name: 'cat' },
        { id: 1, name: 'dog' },
      ],
      splits: ['train', 'val'],
      counts: { images: 2, labelled: 2, annotations: 2 },
    })
    expect(readFileSync(join(fetched.dir, 'labels/train/1.txt'), 'utf8')).toBe('0 0.2 0.4 0.2 0.4\n')
    expect(readFileSync(join(fetched.dir, 'images/val/2.png'))).toEqual(png)
  })

  it.each(['voc', 'labelme', 'dice', 'yolo'] as const)('converts to %s', async (as) => {
    const { session } = createSession(source(), 'segmentation')
    expect(existsSync((await session.dataset.fetch({ as })).dir)).toBe(true)
  })

  it('returns the dataset itself when it has the requested format', async () => {
    const dir = source()
    expect((await createSession(dir, 'detection').session.dataset.fetch({ as: 'coco' })).dir).toBe(dir)
  })

  it('assigns an image without a split to the same split in every format', async () => {
    const { annotations, files } = createDice(20)
    const dice = JSON.parse(annotations.bytes.toString())
    for (const item of dice.images) delete item.split
    const dir = createFiles({
      [annotations.path]: dice,
      ...Object.fromEntries(files.map(({ path, bytes }) => [path, bytes])),
    })
    const { session } = createSession(dir, 'classification')
    const { samples } = await session.dataset.samples()
    for (const as of ['imagefolder', 'yolo'] as const) {
      const fetched = await session.dataset.fetch({ as })
      for (const { name, split, classId } of samples) {
        const path = join(fetched.dir, split, ['cat', 'dog'][classId] ?? '', name.replace('images/', ''))
        expect([as, path, existsSync(path)]).toEqual([as, path, true])
      }
    }
  })

  it('reports how much of the dataset is downloaded, each percent once', async () => {
    const { session } = createSession(source(), 'detection')
    const { backend } = session
    const phases: (string | undefined)[] = []
    const { append, openDataset } = backend
    backend.append = (event) => {
      if (event.type === 'progress') phases.push(event.phase)
      append(event)
    }
    backend.openDataset = async (signal, onProgress) => {
      for (const files of [0, 1, 100, 109, 200]) onProgress?.(files, 200)
      return await openDataset(signal)
    }
    await session.dataset.samples().catch(() => {})
    expect(phases).toEqual(['fetch', 'fetch 50 %', 'fetch 54 %', 'fetch 100 %', 'train'])
  })

  it('names the formats when it gets an unknown one', async () => {
    const { session } = createSession(source(), 'detection')
    await expect(session.dataset.fetch({ as: 'tfrecord' as TargetFormat })).rejects.toThrow(
      'dataset.fetch got as: "tfrecord"; expected one of: "dice", "coco", "yolo", "voc", "labelme", "imagefolder"',
    )
  })
})
