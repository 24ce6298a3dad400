import { TrainerManifest } from '@trainyard/contract'
import {
  type ClosedEngine,
  createInstanceId,
  createLogger,
  ImageNotLoaded,
  type LoadableImage,
  openClosedEngine,
} from '@trainyard/runner'
import { type ComplianceOptions, type PhaseOutcome, runCompliance } from './run-compliance.ts'

/** One image of those that a client could pull. */
export interface RunnableImage extends LoadableImage {
  /** As an index or the config of the image names it. */
  readonly platform: string
  /** The trainer's manifest, as it is in the image. */
  readonly json: unknown
}

export interface LoadImageOptions {
  images: readonly RunnableImage[]
  /** The `DOCKER_…` variables. */
  env: Readonly<Record<string, string | undefined>>
  /** Marks everything that is created in the engine. */
  instanceId: string
  onProgress?: ((text: string) => void) | undefined
}

/** An image in the container engine of this machine. */
export interface LoadedImage {
  /** `sha256:…` */
  readonly id: string
  readonly platform: string
  /** The platforms of the images that do not run in this engine. */
  readonly others: readonly string[]
  readonly manifest: TrainerManifest
}

/**
 * Loads the image for this machine's container engine, without any network. The caller closes the engine.
 *
 * @returns a text that says why, where none can be run
 */
export async function loadImageToRun({
  images,
  env,
  instanceId,
  onProgress,
}: LoadImageOptions): Promise<{ engine: ClosedEngine; image: LoadedImage } | string> {
  const engine = await openEngine(env, instanceId)
  if (typeof engine === 'string') return engine
  const image = images.find(({ platform }) => platform === engine.platform)
  if (image === undefined) {
    const present = [...new Set(images.map(({ platform }) => platform))].join(', ') || 'none'
    return `the container engine runs ${engine.platform}, and the images are for: ${present}`
  }
  const { data: manifest } = TrainerManifest.safeParse(image.json)
  if (manifest === undefined) return 'the manifest is not valid (see the findings of "manifest")'
  // The network of its containers leads only to the platform.
  const { network } = manifest.permissions
  if (network.length > 0) return `the trainer needs ${network.join(', ')}, which containers of a check cannot reach`
  onProgress?.('loading the image')
  const others = images.filter((one) => one !== image).map(({ platform }) => platform)
  try {
    return { engine, image: { id: await engine.load(image), platform: image.platform, others, manifest } }
  } catch (error) {
    await engine.close()
    if (!(error instanceof ImageNotLoaded)) throw error
    return `the container engine could not load the image: ${error.message}`
  }
}

async function openEngine(env: LoadImageOptions['env'], instanceId: string): Promise<ClosedEngine | string> {
  const logger = createLogger({ name: 'validator', level: 'silent' })
  const engine = await openClosedEngine({ env, instanceId, logger })
  return typeof engine === 'string' ? `running an image needs Docker on this machine: ${engine}` : engine
}

interface RunLoadedImageOptions extends Omit<ComplianceOptions, 'trainer' | 'manifest'> {
  image: LoadedImage
  engine: ClosedEngine
}

/** Runs an image of {@link loadImageToRun}, and closes the engine. */
async function runLoadedImage({ image, engine, ...options }: RunLoadedImageOptions): Promise<PhaseOutcome> {
  try {
    const { manifest, id } = image
    return withOthers(await runCompliance({ ...options, manifest, trainer: { image: { engine, id } } }), image)
  } finally {
    await engine.close()
  }
}

export interface RunImageOptions extends Omit<ComplianceOptions, 'trainer' | 'manifest'> {
  images: readonly RunnableImage[]
  /** The `DOCKER_…` variables. */
  env: Readonly<Record<string, string | undefined>>
}

/** Runs the image for this machine's container engine. Skipped, with the reason, where none can be run. */
export async function runImage({ images, env, ...options }: RunImageOptions): Promise<PhaseOutcome> {
  const skip = (reason: string): PhaseOutcome => ({ findings: [], skipped: reason })
  if (options.sandbox?.choice === 'off') return skip('an image runs only in a container, which --sandbox off excludes')
  const instanceId = await createInstanceId()
  const loaded = await loadImageToRun({ images, env, instanceId, onProgress: options.onProgress })
  return typeof loaded === 'string' ? skip(loaded) : await runLoadedImage({ ...options, ...loaded })
}

interface RunInEngineOptions extends Omit<RunLoadedImageOptions, 'engine'> {
  env: LoadImageOptions['env']
  /** That of {@link loadImageToRun}. */
  instanceId: string
}

/** Runs an image that another process has loaded. */
export async function runInEngine({ env, instanceId, ...options }: RunInEngineOptions): Promise<PhaseOutcome> {
  const engine = await openEngine(env, instanceId)
  return typeof engine === 'string' ? { findings: [], skipped: engine } : await runLoadedImage({ ...options, engine })
}

/** An image for another platform can hold another program: it was not run, and that is said. */
function withOthers(outcome: PhaseOutcome, { platform, others }: LoadedImage): PhaseOutcome {
  if (others.length === 0 || outcome.skipped !== undefined || outcome.unfinished !== undefined) return outcome
  return { ...outcome, skipped: `only the image for ${platform} was run, not those for ${others.join(', ')}` }
}
