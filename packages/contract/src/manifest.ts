import { z } from 'zod'
import { BRIDGE_PROGRAM, Bridge } from './bridge.ts'
import { DEFAULT_BASIC_CONFIG } from './environment.ts'
import {
  CONTRACT_VERSION,
  DatasetFormat,
  ExportFormat,
  MetricGoal,
  SemVer,
  TaskType,
  TrainerName,
} from './primitives.ts'
import { describeOddCharacter } from './readable-text.ts'

/** The file name of the manifest. */
export const MANIFEST_FILE_NAME = 'trainer.json'
/** The label of a container image that contains the path of the manifest. */
export const MANIFEST_IMAGE_LABEL = 'dev.trainyard.manifest'
/** The path of the manifest in an image without the label. */
export const DEFAULT_MANIFEST_IMAGE_PATH = '/trainer.json'

/** Media type of a bundle: a trainer that is pushed without Docker, as an OCI artifact with one layer. */
export const BUNDLE_MEDIA_TYPE = 'application/vnd.trainyard.trainer.v1.tar+gzip'
/** Media type of the config blob of a bundle: the manifest as JSON. */
export const BUNDLE_CONFIG_MEDIA_TYPE = 'application/vnd.trainyard.trainer.config.v1+json'

const Argv = z.array(z.string().min(1)).min(1).describe('Program and arguments, without a shell')

/** One model that a trainer offers. */
export const TrainerModel = z.object({
  name: z.string().min(1).max(100).describe('The name in settings and MODEL_NAME'),
  displayName: z.string().max(200).optional().describe('The name that people read'),
  taskTypes: z.array(TaskType).min(1).describe('The tasks of this model'),
  parameters: z.number().int().nonnegative().optional().describe('Number of weights'),
  inputSize: z.number().int().positive().optional().describe('Side of the square input, in pixels'),
})
export type TrainerModel = z.infer<typeof TrainerModel>

/**
 * JSON Schema 2020-12 of the trainer's settings: one flat object. A property with `"x-advanced": true` reaches the
 * trainer under `advanced`, every other one under `basic`. `x-group` is the heading under which it is shown.
 */
export const ConfigSchema = z.looseObject({
  type: z.literal('object').optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
})

/** The files from which the platform makes a Python environment. `inline` is the PEP 723 block of the entry point's script. */
export const PythonDependencies = z.enum(['uv.lock', 'requirements.txt', 'pyproject.toml', 'inline'])
export type PythonDependencies = z.infer<typeof PythonDependencies>

const PYTHON_CLAUSE = String.raw`(?:~=|==|!=|<=|>=|<|>)?\s*\d+(?:\.\d+){0,2}(?:\.\*)?`
const PYTHON_VERSIONS = new RegExp(String.raw`^\s*${PYTHON_CLAUSE}(?:\s*,\s*${PYTHON_CLAUSE})*\s*$`)

/** Versions of Python: `>=3.10`, `>=3.10,<3.13`, `==3.12.*`. A version alone (`3.12`) includes its patch releases. */
export const PythonVersions = z
  .string()
  .max(100)
  .regex(PYTHON_VERSIONS, {
    error: ({ input }) => `is ${JSON.stringify(input)}: expected versions such as ">=3.10", ">=3.10,<3.13" or "3.12"`,
  })

/** The Python environment of a trainer. The platform makes it, once for all jobs, and puts it first in PATH. */
export const TrainerRuntime = z
  .strictObject({
    python: PythonVersions.default('>=3.9').describe('Versions of Python, for example ">=3.10"'),
    dependencies: PythonDependencies.optional().describe(
      'The file with the dependencies, in the trainer’s folder. Default: the only one that exists',
    ),
  })
  .describe('The Python environment in which the entry points run')
export type TrainerRuntime = z.infer<typeof TrainerRuntime>

const manifest = z
  .object({
    $schema: z.string().optional().describe('Address of the JSON Schema, for editors'),
    name: TrainerName.describe('Namespace and name, such as acme/yolo'),
    version: SemVer.describe('A published version never changes: raise it for each publish'),
    displayName: z.string().min(1).max(200).describe('The name that people read'),
    description: z.string().min(1).max(2000).describe('What the trainer does, in a sentence or two'),
    license: z.string().min(1).max(200).describe('An SPDX expression'),
    authors: z
      .array(z.string().min(1).max(200))
      .min(1)
      .describe('People or teams, for example "Ada <ada@example.com>"'),
    repository: z
      .url({ protocol: /^https$/ })
      .optional()
      .describe('Where the source code is'),
    keywords: z.array(z.string().min(1).max(50)).max(20).default([]).describe('Words that the search finds'),
    contract: z.literal(CONTRACT_VERSION).describe('The version of the contract that the trainer follows'),
    framework: z.string().min(1).max(50).describe('The machine-learning framework, such as pytorch or tfjs'),
    entrypoints: z.object({
      train: Argv,
      predict: Argv.optional(),
      export: Argv.optional(),
      models: Argv.optional().describe('Prints the models as JSON'),
    }),
    bridge: Bridge.optional().describe(
      'Runs the entry points behind `trainyard exec`: the programs read job.json and write one JSON event in each line',
    ),
    runtime: TrainerRuntime.optional(),
    models: z.array(TrainerModel).min(1).describe('The models that a job can choose; the first is the default'),
    taskTypes: z.array(TaskType).min(1).describe('The tasks that the models are for'),
    datasetFormats: z
      .array(DatasetFormat)
      .min(1)
      .describe('The formats that the trainer reads. The platform converts every dataset to one of them'),
    exportFormats: z.array(ExportFormat).default([]).describe('What the entry point "export" can write'),
    metrics: z
      .object({
        primary: z
          .partialRecord(TaskType, z.object({ name: z.string().min(1).max(250), goal: MetricGoal }))
          .default({})
          .describe('The metric that decides which checkpoint is best, for each task'),
      })
      .default({ primary: {} }),
    config: z
      .object({
        schema: ConfigSchema.default({}).describe('JSON Schema 2020-12 of the settings, one flat object'),
        presets: z
          .record(z.string(), z.record(z.string(), z.unknown()))
          .default({})
          .describe('Named sets of values, such as fast and accurate'),
      })
      .default({ schema: {}, presets: {} }),
    resources: z
      .object({
        cpu: z.number().positive().optional().describe('Cores'),
        memoryMb: z
          .number()
          .int()
          .positive()
          .optional()
          .describe('Memory in MiB. Above it the attempt ends: out_of_memory'),
        gpu: z.number().int().nonnegative().optional().describe('Number of GPUs'),
        shmMb: z
          .number()
          .int()
          .nonnegative()
          .optional()
          .describe('Size of /dev/shm in MiB, through which PyTorch passes batches between its workers'),
        diskGb: z.number().positive().optional().describe('Space for the work folder, in GiB'),
      })
      .default({}),
    permissions: z
      .object({
        network: z
          .array(z.string())
          .default([])
          .describe('Hosts to which the trainer may connect, in addition to the platform'),
      })
      .default({ network: [] }),
  })
  .superRefine(({ bridge, entrypoints }, context) => {
    if (bridge === undefined) return
    for (const name of ['train', 'predict', 'export'] as const) {
      if (entrypoints[name]?.[0] !== BRIDGE_PROGRAM) continue
      context.addIssue({
        code: 'custom',
        path: ['entrypoints', name, 0],
        message: `must be the program itself, such as "python", because "bridge" already runs it behind \`trainyard exec\``,
      })
    }
  })

/** The manifest of a version that is published. Older ones can have texts that {@link TrainerManifest} refuses. */
export const PublishedManifest = manifest.meta({ id: 'PublishedManifest' })
export type PublishedManifest = z.infer<typeof PublishedManifest>

/** `trainer.json`: describes a trainer. */
export const TrainerManifest = manifest
  .superRefine((value, context) => {
    for (const { path, text, lines } of textsOf(value)) {
      const message = describeOddCharacter(text, { lines })
      if (message !== undefined) context.addIssue({ code: 'custom', path, message })
    }
  })
  .superRefine(({ config }, context) => {
    for (const [name, property] of Object.entries(config.schema.properties ?? {})) {
      const isAdvanced = typeof property === 'object' && property !== null && 'x-advanced' in property
      if (!isAdvanced || property['x-advanced'] !== true || !Object.hasOwn(DEFAULT_BASIC_CONFIG, name)) continue
      context.addIssue({
        code: 'custom',
        path: ['config', 'schema', 'properties', name, 'x-advanced'],
        message: `must not be true, because "${name}" is a basic setting of every trainer: leave it out, or choose another name`,
      })
    }
  })
  .meta({ id: 'TrainerManifest' })
export type TrainerManifest = z.infer<typeof TrainerManifest>

interface ReadText {
  path: (string | number)[]
  text: string
  lines?: boolean | undefined
}

/** What people read of a manifest. */
function textsOf({ models, authors, keywords, config, ...others }: PublishedManifest): ReadText[] {
  return [
    ...(['displayName', 'license', 'framework'] as const).map((key) => ({ path: [key], text: others[key] })),
    { path: ['description'], text: others.description, lines: true },
    ...authors.map((text, index) => ({ path: ['authors', index], text })),
    ...keywords.map((text, index) => ({ path: ['keywords', index], text })),
    ...models.flatMap(({ name, displayName = '' }, index) => [
      { path: ['models', index, 'name'], text: name },
      { path: ['models', index, 'displayName'], text: displayName },
    ]),
    ...Object.keys(config.presets).map((text) => ({ path: ['config', 'presets', text], text })),
  ]
}
