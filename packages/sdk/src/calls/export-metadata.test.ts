import { expect, it } from 'vitest'
import { createExportMetadata, type ExportMetadataOptions } from './export-metadata.ts'

const options: ExportMetadataOptions = {
  framework: 'tfjs',
  modelName: 'mlp',
  exportFormat: 'onnx',
  taskType: 'pose',
  classNames: ['person'],
  inputShape: [-1, 3, 64, 64],
  createdAt: new Date('2026-01-01T00:00:00Z'),
}

it('uses the names that readers of exported models know, and omits values that are not set', () => {
  const preprocessing = { colorSpace: 'RGB', resizeMode: 'letterbox' } as const
  expect(
    createExportMetadata({ ...options, preprocessing, keypointNames: ['nose', 'eye'], skeleton: [[0, 1]] }),
  ).toEqual({
    framework: 'tfjs',
    model_name: 'mlp',
    export_format: 'onnx',
    task_type: 'pose',
    input_shape: [-1, 3, 64, 64],
    input_dtype: 'float32',
    class_names: ['person'],
    num_classes: 1,
    created_at: '2026-01-01T00:00:00.000Z',
    export_config: {},
    preprocessing: { color_space: 'RGB', resize_mode: 'letterbox' },
    num_keypoints: 2,
    keypoint_names: ['nose', 'eye'],
    skeleton: [[0, 1]],
  })
})

it('refuses empty classes and invalid shapes', () => {
  expect(() => createExportMetadata({ ...options, classNames: [] })).toThrow('classNames is empty')
  expect(() => createExportMetadata({ ...options, inputShape: [1, 0] })).toThrow('inputShape is [1,0]; expected')
})
