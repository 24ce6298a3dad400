import { z } from 'zod'
import { Attempt, JobId, Operation, TaskType } from './primitives.ts'

/** A number that is passed as text. */
const numeric = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value), schema)

/** The settings that every trainer has. The manifest can set their defaults. */
export const BasicConfig = z
  .looseObject({
    imgsz: z.number().int().positive().describe('Side of the square input, in pixels').optional(),
    epochs: z.number().int().positive().optional(),
    batch: z.number().int().min(-1).describe('Images in each step; -1 lets the trainer choose').optional(),
    learning_rate: z.number().positive().optional(),
    optimizer: z.string().optional(),
    augment: z.boolean().optional(),
    device: z.string().describe('"auto", "cpu", or GPU numbers such as "0" or "0,1"').optional(),
    workers: z.number().int().nonnegative().optional(),
    patience: z
      .number()
      .int()
      .nonnegative()
      .describe('Epochs without improvement before the training stops')
      .optional(),
    seed: z.number().int().optional(),
  })
  .meta({ id: 'BasicConfig' })
export type BasicConfig = z.infer<typeof BasicConfig>

/** The content of `CONFIG` and of the file `CONFIG_FILE`. */
export const JobConfig = z
  .object({
    basic: BasicConfig.default({}),
    advanced: z.record(z.string(), z.unknown()).default({}),
  })
  .meta({ id: 'JobConfig' })
export type JobConfig = z.infer<typeof JobConfig>

/** Defaults of the basic settings that the manifest does not set. */
export const DEFAULT_BASIC_CONFIG = {
  imgsz: 640,
  epochs: 100,
  batch: 16,
  learning_rate: 0.01,
  optimizer: 'auto',
  augment: true,
  device: 'auto',
  workers: 8,
  patience: 50,
  seed: 42,
} as const satisfies BasicConfig

/** The environment of a trainer's process. Unknown variables are ignored. */
export const TrainerEnvironment = z
  .object({
    JOB_ID: numeric(JobId),
    JOB_ATTEMPT: numeric(Attempt),
    OPERATION: Operation,
    CALLBACK_URL: z.url({ protocol: /^https?$/ }).describe('Base URL of this job’s endpoints'),
    CALLBACK_TOKEN: z.string().min(1).optional(),
    CALLBACK_TOKEN_FILE: z
      .string()
      .min(1)
      .optional()
      .describe('Has precedence over CALLBACK_TOKEN; read again after a 401'),
    TRACE_ID: z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 lower-case hex digits'),
    TRACEPARENT: z.string().regex(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/, 'must be a W3C traceparent'),
    TASK_TYPE: TaskType,
    FRAMEWORK: z.string().min(1),
    MODEL_NAME: z.string().min(1),
    CONFIG: z.string().optional().describe('JSON of {basic, advanced}; advanced_config is the same as advanced'),
    CONFIG_FILE: z.string().min(1).optional().describe('A file with the same JSON; has precedence over CONFIG'),
    EPOCHS: numeric(z.number().int().positive()).optional(),
    BATCH_SIZE: numeric(z.number().int().min(-1)).optional(),
    LEARNING_RATE: numeric(z.number().positive()).optional(),
    IMGSZ: numeric(z.number().int().positive()).optional(),
    DEVICE: z.string().min(1).optional(),
    DATASET_ID: z.string().min(1).optional(),
    SNAPSHOT_ID: z.string().min(1).optional(),
    DATASET_VERSION_HASH: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits')
      .optional(),
    DATASET_SPLIT_ID: z
      .string()
      .min(1)
      .optional()
      .describe('Set when the job has its own splits, which the pages of files contain'),
    EXPORT_FORMAT: z.string().min(1).optional().describe('With OPERATION=export: the format to export to'),
    WORK_DIR: z.string().min(1),
    DATASET_CACHE_DIR: z.string().min(1),
    DATASET_CACHE_MAX_GB: numeric(z.number().positive()),
    DATASET_CACHE_FILLED_BY: z
      .enum(['trainer', 'platform'])
      .optional()
      .describe(
        '"platform": the folder is read-only, and POST {CALLBACK_URL}/dataset/cache requests a dataset. "trainer" (default): the trainer writes to it',
      ),
  })
  .refine((env) => env.CALLBACK_TOKEN !== undefined || env.CALLBACK_TOKEN_FILE !== undefined, {
    path: ['CALLBACK_TOKEN'],
    error: 'either CALLBACK_TOKEN or CALLBACK_TOKEN_FILE must be set',
  })
  .meta({ id: 'TrainerEnvironment' })
export type TrainerEnvironment = z.infer<typeof TrainerEnvironment>

/** Variables that override a basic setting. */
export const BASIC_CONFIG_VARIABLES = {
  EPOCHS: 'epochs',
  BATCH_SIZE: 'batch',
  LEARNING_RATE: 'learning_rate',
  IMGSZ: 'imgsz',
  DEVICE: 'device',
} as const satisfies Partial<Record<keyof TrainerEnvironment, keyof BasicConfig>>
