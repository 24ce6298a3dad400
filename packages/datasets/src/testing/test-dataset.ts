import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { encode } from 'fast-png'
import type { TestFile } from './callback-server.ts'

export function createPng(width = 4, height = 3): Buffer {
  return Buffer.from(encode({ width, height, channels: 1, depth: 8, data: new Uint8Array(width * height) }))
}

/** A classification dataset: `count` images of two classes under `images/`, every fourth one for validation. */
export function createDice(count: number): { annotations: TestFile; files: TestFile[] } {
  const images = Array.from({ length: count }, (_, index) => ({
    id: index,
    file_name: `${index}.png`,
    width: 4,
    height: 3,
    split: index % 4 === 3 ? 'val' : 'train',
    annotations: [{ id: index, image_id: index, class_id: index % 2, class_name: index % 2 ? 'dog' : 'cat' }],
  }))
  const dice = {
    format_version: '1.0',
    task_type: 'classification',
    storage_info: { image_root: 'images' },
    classes: [
      { id: 0, name: 'cat' },
      { id: 1, name: 'dog' },
    ],
    images,
  }
  const png = createPng()
  return {
    annotations: { path: 'annotations_classification.json', bytes: Buffer.from(JSON.stringify(dice)) },
    files: images.map(({ file_name }) => ({ path: `images/${file_name}`, bytes: png })),
  }
}

export function writeFiles(dir: string, files: readonly TestFile[]): void {
  for (const { path, bytes } of files) {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), bytes)
  }
}

/** The environment that the contract gives a trainer. */
export function createEnvironment(callbackUrl: string, dir: string): Record<string, string> {
  return {
    JOB_ID: '7',
    JOB_ATTEMPT: '1',
    OPERATION: 'train',
    CALLBACK_URL: callbackUrl,
    CALLBACK_TOKEN: 'very-secret-token',
    TRACE_ID: 'a'.repeat(32),
    TRACEPARENT: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    TASK_TYPE: 'classification',
    FRAMEWORK: 'test',
    MODEL_NAME: 'small',
    CONFIG: '{"basic":{"epochs":3},"advanced":{}}',
    WORK_DIR: join(dir, 'work'),
    DATASET_CACHE_DIR: join(dir, 'cache'),
    DATASET_CACHE_MAX_GB: '1',
    DATASET_VERSION_HASH: 'c'.repeat(64),
  }
}
