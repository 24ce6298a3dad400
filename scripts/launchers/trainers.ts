/** A trainer of this repository, with data that a minute on a processor is enough for. */
export interface Trained {
  data: 'shapes' | 'digits'
  model: string
  config: Record<string, unknown>
  /** Of a training that makes no progress. */
  idle: Record<string, unknown>
  metric: string
  least: number
}

const DIGITS = {
  data: 'digits',
  config: { epochs: 5, imgsz: 32, batch: 32, workers: 0, flip: 0, learning_rate: 0.003 },
  idle: { learning_rate: 1e-9, augment: false },
  metric: 'top1_accuracy',
  least: 0.95,
} as const

export const TRAINERS: Readonly<Record<string, Trained>> = {
  ultralytics: {
    data: 'shapes',
    model: 'yolov8n',
    config: { epochs: 30, imgsz: 96, batch: 16, workers: 0 },
    idle: { optimizer: 'SGD', learning_rate: 1e-9, augment: false },
    metric: 'mAP50',
    least: 0.8,
  },
  timm: { ...DIGITS, model: 'resnet10t' },
  huggingface: { ...DIGITS, model: 'resnet-10' },
}
