import { ConfigError, type ResolvedConfig } from '@trainyard/sdk'
import { z } from 'zod'
import type { Augmentation } from './images/augment-image.ts'
import type { ModelSpec } from './models/spec.ts'

/** Images a step when `batch` is -1. */
const AUTOMATIC_BATCH = 64

const share = z.number().min(0).max(1)

/** The settings as `trainer.json` declares them; a test holds the two together. */
export const SettingsSchema = z.object({
  epochs: z.number().int().min(1).max(1000).default(8),
  batch: z
    .number()
    .int()
    .min(-1)
    .max(4096)
    .refine((value) => value !== 0, 'must be at least 1, or -1 for automatic')
    .default(64),
  learning_rate: z.number().positive().max(10).default(0.004),
  optimizer: z.enum(['auto', 'adam', 'sgd']).default('adam'),
  imgsz: z.number().int().min(4).max(256).default(28),
  patience: z.number().int().min(0).max(1000).default(0),
  seed: z.number().int().min(0).max(2_147_483_647).default(42),
  augment: z.boolean().default(true),
  hidden_units: z.number().int().min(4).max(4096).default(128),
  hidden_layers: z.number().int().min(1).max(6).default(1),
  patch_size: z.number().int().min(1).max(64).default(7),
  mixer_width: z.number().int().min(4).max(1024).default(48),
  mixer_blocks: z.number().int().min(1).max(12).default(2),
  color_mode: z.enum(['grey', 'rgb']).default('grey'),
  dropout: z.number().min(0).max(0.9).default(0),
  label_smoothing: z.number().min(0).max(0.5).default(0),
  weight_decay: share.default(0.01),
  momentum: z.number().min(0).max(0.999).default(0.9),
  cos_lr: z.boolean().default(true),
  lrf: share.default(0.02),
  warmup_epochs: z.number().min(0).max(100).default(0.5),
  degrees: z.number().min(0).max(180).default(10),
  translate: share.default(0.07),
  scale: z.number().min(0).max(0.9).default(0.1),
  fliplr: share.default(0),
  top_k: z.number().int().min(1).max(100).default(3),
})

/** What training and prediction work with. */
export interface Settings {
  epochs: number
  batch: number
  learningRate: number
  optimizer: 'adam' | 'sgd'
  /** Epochs without a better validation before stopping; 0 never stops early. */
  patience: number
  seed: number
  /** Undefined: pictures are shown as they are. */
  augmentation: Augmentation | undefined
  dropout: number
  labelSmoothing: number
  weightDecay: number
  momentum: number
  cosine: boolean
  finalFraction: number
  warmupEpochs: number
  imageSize: number
  channels: 1 | 3
  hiddenUnits: number
  hiddenLayers: number
  patchSize: number
  mixerWidth: number
  mixerBlocks: number
  topK: number
}

/** Reads the job's settings. Throws a `ConfigError` that names what is wrong. */
export function parseSettings(config: Pick<ResolvedConfig, 'advanced'> & { basic: object }): Settings {
  const parsed = SettingsSchema.safeParse({ ...config.advanced, ...config.basic })
  if (!parsed.success) {
    const reasons = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw new ConfigError(`The settings cannot be used: ${reasons.join('; ')}`)
  }
  const raw = parsed.data
  return {
    epochs: raw.epochs,
    batch: raw.batch === -1 ? AUTOMATIC_BATCH : raw.batch,
    learningRate: raw.learning_rate,
    optimizer: raw.optimizer === 'auto' ? 'adam' : raw.optimizer,
    patience: raw.patience,
    seed: raw.seed,
    augmentation: raw.augment
      ? { degrees: raw.degrees, translate: raw.translate, scale: raw.scale, fliplr: raw.fliplr }
      : undefined,
    dropout: raw.dropout,
    labelSmoothing: raw.label_smoothing,
    weightDecay: raw.weight_decay,
    momentum: raw.momentum,
    cosine: raw.cos_lr,
    finalFraction: raw.lrf,
    warmupEpochs: raw.warmup_epochs,
    imageSize: raw.imgsz,
    channels: raw.color_mode === 'rgb' ? 3 : 1,
    hiddenUnits: raw.hidden_units,
    hiddenLayers: raw.hidden_layers,
    patchSize: raw.patch_size,
    mixerWidth: raw.mixer_width,
    mixerBlocks: raw.mixer_blocks,
    topK: raw.top_k,
  }
}

/** The network that the settings describe. Throws a `ConfigError` when they contradict each other. */
export function chooseModel(model: string, settings: Settings, classCount: number): ModelSpec {
  const common = { imageSize: settings.imageSize, channels: settings.channels, classCount }
  switch (model) {
    case 'mlp':
      return { model, ...common, hiddenUnits: settings.hiddenUnits, hiddenLayers: settings.hiddenLayers }
    case 'patch-mixer':
      if (settings.imageSize % settings.patchSize !== 0) {
        throw new ConfigError(
          `patch_size must divide imgsz: ${settings.imageSize} pixels cannot be cut into patches of ${settings.patchSize}`,
        )
      }
      return {
        model,
        ...common,
        patchSize: settings.patchSize,
        width: settings.mixerWidth,
        blocks: settings.mixerBlocks,
      }
    default:
      throw new ConfigError(`There is no model "${model}"; choose "mlp" or "patch-mixer"`)
  }
}
