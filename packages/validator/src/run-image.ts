import { randomBytes } from 'node:crypto'
import { TrainerManifest } from '@trainyard/contract'
import { createLogger, type LoadableImage, openClosedEngine } from '@trainyard/runner'
import { type ComplianceOptions, type PhaseOutcome, runCompliance } from './run-compliance.ts'

/** One image of those that a client could pull. */
export interface RunnableImage extends LoadableImage {
  /** As an index or the config of the image names it. */
  readonly platform: string
  /** The trainer's manifest, as it is in the image. */
  readonly json: unknown
}

export interface RunImageOptions extends Omit<ComplianceOptions, 'trainer' | 'manifest'> {
  images: readonly RunnableImage[]
  /** The `DOCKER_…` variables. */
  env: Readonly<Record<string, string | undefined>>
  /** Marks everything that is created in the engine. Default: random. */
  instanceId?: string | undefined
}

/** Runs the image for this machine's container engine. Skipped, with the reason, where there is none. */
export async function runImage({ images, env, instanceId, ...options }: RunImageOptions): Promise<PhaseOutcome> {
  const skip = (reason: string): PhaseOutcome => ({ findings: [], skipped: reason })
  if (options.sandbox?.choice === 'off') return skip('an image runs only in a container, which --sandbox off excludes')
  const engine = await openClosedEngine({
    env,
    instanceId: instanceId ?? randomBytes(6).toString('hex'),
    logger: createLogger({ name: 'validator', level: 'silent' }),
  })
  if (typeof engine === 'string') return skip(`running an image needs Docker on this machine: ${engine}`)
  const image = images.find(({ platform }) => platform === engine.platform)
  if (image === undefined) {
    const present = [...new Set(images.map(({ platform }) => platform))].join(', ') || 'none'
    return skip(`the container engine runs ${engine.platform}, and the images are for: ${present}`)
  }
  const { data: manifest } = TrainerManifest.safeParse(image.json)
  if (manifest === undefined) return skip('the manifest is not valid (see the findings of "manifest")')
  // The network of its containers leads only to the platform.
  const { network } = manifest.permissions
  if (network.length > 0)
    return skip(`the trainer needs ${network.join(', ')}, which containers of a check cannot reach`)
  options.onProgress?.('loading the image')
  try {
    const id = await engine.load(image)
    const outcome = await runCompliance({ ...options, manifest, trainer: { image: { engine, id } } })
    return withOthers(outcome, image, images)
  } finally {
    await engine.close()
  }
}

/** An image for another platform can hold another program: it was not run, and that is said. */
function withOthers(outcome: PhaseOutcome, ran: RunnableImage, images: readonly RunnableImage[]): PhaseOutcome {
  const others = images.filter((image) => image !== ran)
  if (others.length === 0 || outcome.skipped !== undefined || outcome.unfinished !== undefined) return outcome
  const platforms = others.map(({ platform }) => platform).join(', ')
  return { ...outcome, skipped: `only the image for ${ran.platform} was run, not those for ${platforms}` }
}
