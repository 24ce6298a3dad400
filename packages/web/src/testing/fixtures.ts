import {
  Artifact,
  ArtifactList,
  Dataset,
  DatasetImage,
  Job,
  LogLine,
  MetricSeriesList,
  Trainer,
  TrainerVersion,
  UsageReport,
} from '@trainyard/contract'
import type { z } from 'zod'

/* Answers of the APIs. Each is parsed with the contract's schema, so that it cannot drift from it. */

/** When the tests take place. */
export const NOW = new Date('2026-11-20T12:00:00Z')

export const ago = (seconds: number): string => new Date(NOW.getTime() - seconds * 1000).toISOString()
const digest = (digit: string) => `sha256:${digit.repeat(64)}`

const README = `# Classifier on MobileNet

Trains an image classifier in **pure TypeScript**: no Python, no CUDA. It fine-tunes the head of a
[MobileNet](https://arxiv.org/abs/1704.04861) first, then the whole network.

## Quick start

\`\`\`sh
npx trainyard-validate .
\`\`\`

| Dataset | Images | Top-1 |
| --- | ---: | ---: |
| MNIST | 10,000 | 0.991 |
| Flowers | 3,670 | 0.934 |

- [x] Mixed batches
- [ ] Distillation

> Small datasets profit from the \`augment\` setting.
`

export const manifest = {
  name: 'trainyard/tfjs-classifier',
  version: '1.4.0',
  displayName: 'TensorFlow.js classifier',
  description: 'Fine-tunes small image classifiers in pure TypeScript, on any machine that runs Node.',
  license: 'Apache-2.0',
  authors: ['Ada Lindqvist', 'The Trainyard people'],
  repository: 'https://github.com/trainyard/trainyard',
  contract: '1' as const,
  framework: 'tfjs',
  entrypoints: { train: ['node', 'train.js'] },
  models: [
    {
      name: 'mobilenet-small',
      displayName: 'MobileNet v3 small',
      taskTypes: ['classification' as const],
      parameters: 2_542_856,
      inputSize: 224,
    },
    { name: 'tiny-cnn', taskTypes: ['classification' as const], parameters: 48_120, inputSize: 28 },
  ],
  taskTypes: ['classification' as const],
  datasetFormats: ['dice' as const, 'imagefolder' as const],
  exportFormats: ['tfjs' as const, 'onnx' as const],
  config: {
    schema: {
      type: 'object' as const,
      properties: {
        epochs: {
          type: 'integer',
          minimum: 1,
          maximum: 1000,
          default: 20,
          description: 'Passes over the training images',
        },
        learning_rate: {
          type: 'number',
          exclusiveMinimum: 0,
          default: 0.001,
          description: 'Of the first epoch; falls by a cosine',
        },
        optimizer: { type: 'string', enum: ['adam', 'sgd', 'rmsprop'], default: 'adam' },
        augment: { type: 'boolean', default: true, description: 'Flip and shift images at random' },
        label_smoothing: { type: 'number', minimum: 0, maximum: 0.3, default: 0.1, 'x-advanced': true },
      },
    },
    presets: { quick: { epochs: 3 }, careful: { epochs: 100, learning_rate: 0.0003 } },
  },
}

export function trainerFixture(overrides: Partial<z.input<typeof Trainer>> = {}): Trainer {
  return Trainer.parse({
    name: manifest.name,
    displayName: manifest.displayName,
    description: manifest.description,
    latestVersion: '1.4.0',
    taskTypes: ['classification'],
    framework: 'tfjs',
    license: 'Apache-2.0',
    keywords: ['mobilenet', 'browser'],
    pulls: 12_840,
    publishedAt: ago(3 * 86_400),
    readme: README,
    manifest,
    versions: [
      { version: '1.5.0-rc.1', state: 'checking', digest: digest('c'), sizeBytes: 4_310_000, pushedAt: ago(600) },
      {
        version: '1.4.0',
        state: 'published',
        digest: digest('a'),
        sizeBytes: 4_200_310,
        pushedAt: ago(3 * 86_400 + 90),
        publishedAt: ago(3 * 86_400),
      },
      {
        version: '1.3.2',
        state: 'deprecated',
        digest: digest('b'),
        sizeBytes: 4_100_004,
        pushedAt: ago(40 * 86_400),
        publishedAt: ago(40 * 86_400),
      },
      { version: '1.3.1', state: 'yanked', digest: digest('d'), sizeBytes: 4_100_001, pushedAt: ago(41 * 86_400) },
    ],
    ...overrides,
  })
}

export function versionFixture(overrides: Partial<z.input<typeof TrainerVersion>> = {}): TrainerVersion {
  return TrainerVersion.parse({
    name: manifest.name,
    version: '1.4.0',
    state: 'published',
    digest: digest('a'),
    sizeBytes: 4_200_310,
    pushedAt: ago(3 * 86_400 + 90),
    publishedAt: ago(3 * 86_400),
    manifest,
    readme: README,
    checkId: 'chk_1',
    sboms: [{ part: 'image', packages: 180 }],
    checks: [
      { name: 'manifest', status: 'passed', durationMs: 41, findings: [] },
      {
        name: 'secrets',
        status: 'passed',
        durationMs: 730,
        findings: [
          {
            code: 'TY204',
            severity: 'warning',
            message: 'The file looks like a private key, but holds only a placeholder.',
            file: 'examples/key.pem',
            line: 3,
            fingerprint: 'f1',
            help: 'Remove the file, or list it in .trainyardignore.',
            docsUrl: 'https://docs.trainyard.example/rules/TY204',
          },
          {
            code: 'TY117',
            severity: 'info',
            message: 'The README does not say which datasets the numbers were measured on.',
            file: 'README.md',
            fingerprint: 'f2',
            help: 'Name dataset and split next to each number.',
            docsUrl: 'https://docs.trainyard.example/rules/TY117',
          },
        ],
      },
      { name: 'vulnerabilities', status: 'skipped', reason: 'No scanner is installed on this registry.', findings: [] },
      { name: 'compliance', status: 'passed', durationMs: 18_400, findings: [] },
    ],
    ...overrides,
  })
}

export function datasetFixture(overrides: Partial<z.input<typeof Dataset>> = {}): Dataset {
  return Dataset.parse({
    id: 'ds_1',
    name: 'flowers',
    format: 'imagefolder',
    taskType: 'classification',
    classes: ['daisy', 'dandelion', 'rose', 'sunflower', 'tulip'].map((name, id) => ({ id, name })),
    counts: { images: 3670, labelled: 3670, annotations: 3670, splits: { train: 2936, val: 734, test: 0 } },
    sizeBytes: 229_000_000,
    versionHash: 'e'.repeat(64),
    createdAt: ago(86_400),
    ...overrides,
  })
}

/** Images with a box, an outline and keypoints; one without a label, and one that is too large to draw. */
export const imagesFixture = (): DatasetImage[] =>
  [
    { path: 'train/daisy/1.png', split: 'train', classIds: [0], objects: [{ classId: 0, bbox: [10, 10, 40, 30] }] },
    {
      path: 'train/rose/2.png',
      split: 'train',
      classIds: [2],
      objects: [{ classId: 2, bbox: [0, 0, 9, 9], polygons: [[5, 5, 60, 10, 40, 50]] }],
    },
    {
      path: 'val/3.png',
      split: 'val',
      classIds: [1],
      objects: [{ classId: 1, keypoints: [20, 20, 2, 30, 30, 1, 0, 0, 0] }],
    },
    { path: 'val/4.png', split: 'val', classIds: [], labelled: false, objects: [] },
    { path: 'test/huge.png', split: 'test', classIds: [4], width: 20_000, height: 20_000, objects: [] },
  ].map((image) => DatasetImage.parse({ sizeBytes: 900, width: 100, height: 80, labelled: true, ...image }))

export function jobFixture(overrides: Partial<z.input<typeof Job>> = {}): Job {
  return Job.parse({
    id: 42,
    name: 'Flowers, quick look',
    project: 'botany/flowers',
    queue: 'default',
    priority: 0,
    state: 'running',
    attempt: 1,
    operation: 'train',
    taskType: 'classification',
    trainer: {
      name: manifest.name,
      version: '1.4.0',
      displayName: manifest.displayName,
      digest: digest('a'),
      framework: 'tfjs',
    },
    model: 'mobilenet-small',
    dataset: { id: 'ds_1', name: 'flowers', snapshotId: 'snap_1', versionHash: 'e'.repeat(64) },
    config: {
      basic: { epochs: 20, learning_rate: 0.001, optimizer: 'adam', augment: true },
      advanced: { label_smoothing: 0.1 },
    },
    primaryMetric: { name: 'top1_accuracy', goal: 'maximize' },
    progress: { fraction: 0.4, epoch: 8, totalEpochs: 20, phase: 'train' },
    latestMetrics: {
      top1_accuracy: 0.8731,
      top5_accuracy: 0.981,
      train_loss: 0.3127,
      val_loss: 0.402,
      learning_rate: 0.00071,
    },
    cancelRequested: false,
    maxRetries: 0,
    traceId: 'f'.repeat(32),
    createdAt: ago(310),
    queuedAt: ago(309),
    startedAt: ago(296),
    lastHeardAt: ago(2),
    ...overrides,
  })
}

export const failedJob = (): Job =>
  jobFixture({
    id: 41,
    name: undefined,
    state: 'failed',
    endReason: 'out_of_memory',
    error: {
      errorType: 'ResourceError',
      message: 'Could not allocate 1.2 GB for a tensor of [512, 224, 224, 12]',
      traceback:
        'Error: Could not allocate 1.2 GB\n    at allocate (node_modules/@tensorflow/tfjs-core/dist/engine.js:812:13)\n    at train (file:///trainer/train.js:88:7)',
    },
    finishedAt: ago(60),
    progress: { fraction: 0.15, epoch: 3, totalEpochs: 20 },
  })

export const succeededJob = (): Job =>
  jobFixture({
    id: 40,
    name: 'MNIST nightly',
    state: 'succeeded',
    endReason: 'completed',
    finishedAt: ago(7200),
    createdAt: ago(8000),
    queuedAt: ago(8000),
    startedAt: ago(7990),
    progress: { fraction: 1, epoch: 20, totalEpochs: 20 },
  })

const done = { state: 'succeeded', endReason: 'completed', latestMetrics: {}, progress: { fraction: 1 } } as const

export const predictJob = (): Job =>
  jobFixture({
    ...done,
    id: 39,
    name: 'Flowers of the balcony',
    operation: 'predict',
    queue: 'gpu',
    priority: 5,
    finishedAt: ago(100),
    result: {
      operation: 'predict',
      imageCount: 3670,
      totalInferenceTimeMs: 15_047,
      avgInferenceTimeMs: 4.1,
      artifactId: 'art_predictions',
    },
  })

export const exportJob = (): Job =>
  jobFixture({
    ...done,
    id: 38,
    name: 'Flowers, for the browser',
    operation: 'export',
    dataset: undefined,
    finishedAt: ago(90),
    result: {
      operation: 'export',
      format: 'tfjs',
      artifactId: 'art_export',
      metadata: { input: 'images [batch, 224, 224, 3]', classes: ['daisy', 'rose'], quantised: false },
    },
  })

/** What those two left. */
export const resultArtifacts = (): ArtifactList['artifacts'] =>
  ArtifactList.parse({
    artifacts: [
      {
        ...artifactFixture({
          id: 'art_predictions',
          kind: 'prediction',
          name: 'predictions.json',
          sizeBytes: 1_400_212,
        }),
        url: 'http://127.0.0.1:1/storage/predictions?signature=3',
      },
      {
        ...artifactFixture({ id: 'art_export', kind: 'export', name: 'model-tfjs.tar', sizeBytes: 10_204_160 }),
        url: 'http://127.0.0.1:1/storage/export?signature=4',
      },
    ],
  }).artifacts

/** Curves as training makes them: the same for the same number of epochs. */
export function seriesFixture(epochs: number): MetricSeriesList['series'] {
  const wobble = (epoch: number, phase: number) => Math.sin(epoch * 2.3 + phase) * 0.02
  const curve = (name: string, value: (epoch: number) => number) => ({
    name,
    axis: 'epoch',
    count: epochs,
    points: Array.from({ length: epochs }, (_, index) => ({
      step: index + 1,
      value: value(index + 1),
      time: ago(290 - index * 20),
    })),
  })
  return MetricSeriesList.parse({
    attempt: 1,
    series: [
      curve('train_loss', (epoch) => 2.1 * Math.exp(-epoch / 5) + 0.1 + wobble(epoch, 0)),
      curve('val_loss', (epoch) => 1.9 * Math.exp(-epoch / 6) + 0.2 + wobble(epoch, 1)),
      curve('top1_accuracy', (epoch) => 0.95 - 0.7 * Math.exp(-epoch / 4) + wobble(epoch, 2)),
      curve('top5_accuracy', (epoch) => 0.99 - 0.4 * Math.exp(-epoch / 3) + wobble(epoch, 3) / 3),
      curve('learning_rate', (epoch) => 0.001 * Math.cos((epoch / 40) * Math.PI)),
    ],
  }).series
}

export function logFixture(id: number, overrides: Partial<LogLine> = {}): LogLine {
  return LogLine.parse({
    id,
    attempt: 1,
    time: ago(290 - id),
    level: 'info',
    source: 'journal',
    message: `epoch ${id} is done`,
    ...overrides,
  })
}

export const logsFixture = (): LogLine[] => [
  logFixture(1, { source: 'platform', message: 'Started subprocess 4711 in its own folder' }),
  logFixture(2, { message: 'Fetched 3,670 images (229 MB) in 4.1 s' }),
  logFixture(3, { level: 'debug', message: 'backend wasm, 4 threads, simd' }),
  logFixture(4, { level: 'warning', message: '12 images are not RGB; they are converted' }),
  logFixture(5, { message: 'Epoch 1 of 20: train_loss 1.822, val_loss 1.793, top1_accuracy 0.402' }),
  logFixture(6, {
    level: 'error',
    source: 'stderr',
    message: 'Could not save plot.png: no space left in /tmp\nGoing on without it',
  }),
  logFixture(7, { message: 'Epoch 8 of 20: train_loss 0.313, val_loss 0.402, top1_accuracy 0.873' }),
]

export function artifactFixture(overrides: Partial<z.input<typeof Artifact>> = {}): Artifact {
  return Artifact.parse({
    id: 'art_best',
    kind: 'checkpoint',
    name: 'best.safetensors',
    sizeBytes: 10_171_424,
    sha256: 'ab'.repeat(32),
    contentType: 'application/octet-stream',
    attempt: 1,
    epoch: 8,
    createdAt: ago(12),
    ...overrides,
  })
}

export const artifactsFixture = (): ArtifactList =>
  ArtifactList.parse({
    artifacts: [
      {
        ...artifactFixture({
          id: 'art_plot',
          kind: 'plot',
          name: 'confusion-matrix.png',
          sizeBytes: 48_211,
          createdAt: ago(80),
        }),
        url: 'http://127.0.0.1:1/storage/plot?signature=1',
      },
      { ...artifactFixture(), url: 'http://127.0.0.1:1/storage/best?signature=2' },
    ],
  })

/** One person, and usage of no person. */
export function usageFixture(name: string): UsageReport {
  const figures = {
    attempts: 3,
    runSeconds: 3600,
    gpuSeconds: 7200,
    cpuSeconds: 5400,
    storageGbMonths: 0.25,
    uploadedBytes: 2e6,
    downloadedBytes: 0,
    cost: 1234.5,
  }
  return UsageReport.parse({
    by: 'person',
    from: '2026-11-01',
    to: '2026-11-20',
    currency: 'EUR',
    rows: [
      { key: 'acc_1', name, ...figures },
      { key: '', ...figures, cost: 0 },
    ],
    rowsLeftOut: 0,
    total: { ...figures, attempts: 6 },
  })
}
