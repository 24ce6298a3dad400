import { Finding } from '@trainyard/contract'
import { type ImageLayer, imageLayers, type ListedImage } from '@trainyard/validator/image'
import { z } from 'zod'
import { blobKey } from '../../oci/names.ts'
import { hasErrors } from '../../versions/check-results.ts'
import { readImageConfig } from '../image-config.ts'
import { withImageRun } from '../image-run.ts'
import { imagesOf } from '../part-images.ts'
import type { CheckEnd, CheckInput, CheckReporter } from './check.ts'
import { validatePhase } from './validate-phase.ts'

const PassedRun = z.object({
  outcome: z.literal('done'),
  findings: z.array(Finding).optional(),
  notes: z.array(z.string()).optional(),
})

/**
 * Runs a pushed image on a tiny dataset, in the container engine of this machine. It is loaded from the registry's own blobs,
 * and reaches nothing but the run. The same image that passed in an earlier part is not run again.
 */
export async function runImage(input: CheckInput, reporter: CheckReporter, signal: AbortSignal): Promise<CheckEnd> {
  const { context, part, manifest } = input
  const { imageRuns } = context.config
  if (imageRuns === undefined) return skipped('the operator of this registry has switched off runs of images')
  const { manifest: json } = await input.prepare(signal)
  const { images } = await imagesOf(context, part.repository_id, manifest)
  const { loadImageToRun, VERSION } = await import('@trainyard/validator')
  const { env } = imageRuns
  const run = async () =>
    await withImageRun(context, { checkId: part.id, env }, async (instanceId) => {
      const runnable = await Promise.all(images.map((image) => toRunnable(input, image, json, signal)))
      const onProgress = (what: string) => reporter.advanced({ done: 0, unit: 'steps', what })
      const loaded = await loadImageToRun({ images: runnable, env, instanceId, onProgress })
      signal.throwIfAborted()
      if (typeof loaded === 'string') return skipped(loaded)
      const image = { loaded: loaded.image, env, instanceId }
      return await validatePhase({ ...input, image }, 'compliance', reporter, signal)
    })
  const [only, ...others] = images
  if (only === undefined || others.length > 0) return await run()
  return await keepPassed(input, { configDigest: only.manifest.config.digest, version: VERSION }, run)
}

const skipped = (reason: string): CheckEnd => ({ outcome: 'skipped', reason })

async function toRunnable({ context }: CheckInput, image: ListedImage, json: unknown, signal: AbortSignal) {
  const { os = 'linux', architecture = 'unknown' } = (await readImageConfig(context, image.manifest)) ?? {}
  const partOf = ({ digest, sizeBytes }: Pick<ImageLayer, 'digest' | 'sizeBytes'>) => ({
    digest,
    sizeBytes,
    async *open() {
      for await (const piece of (await context.store.get(blobKey(digest))).body) {
        signal.throwIfAborted()
        yield piece
      }
    },
  })
  const { digest, size: sizeBytes } = image.manifest.config
  return {
    platform: `${os}/${architecture}`,
    json,
    config: partOf({ digest, sizeBytes }),
    layers: imageLayers(image.manifest).map(partOf),
  }
}

/** Thrown to leave a result out of the cache: one that did not pass can have been the fault of this moment. */
class NotKept extends Error {
  readonly end: CheckEnd

  constructor(end: CheckEnd) {
    super('the run did not pass')
    this.end = end
  }
}

async function keepPassed(
  input: CheckInput,
  { configDigest, version }: { configDigest: string; version: string },
  run: () => Promise<CheckEnd>,
): Promise<CheckEnd> {
  // The config names the bytes of every layer, and what is started.
  const scan = { layerDigest: configDigest, scanner: 'compliance', scannerVersion: version }
  try {
    return await input.cachedByLayer(scan, PassedRun, async () => {
      const end = await run()
      const passed = PassedRun.safeParse(end).data
      if (passed === undefined || hasErrors(passed.findings ?? [])) throw new NotKept(end)
      return passed
    })
  } catch (error) {
    if (error instanceof NotKept) return error.end
    throw error
  }
}
