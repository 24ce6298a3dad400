import { LayerSecrets, searchConfig, secretFindings } from '@trainyard/validator/image'
import { readImageConfig } from '../image-config.ts'
import { imagesOf } from '../part-images.ts'
import type { AcceptanceCheck, CheckEnd, CheckInput, CheckReporter } from './check.ts'
import { scanLayers } from './scan-layers.ts'
import { validatePhase } from './validate-phase.ts'
import { whyNotScanned } from './why-not-scanned.ts'

/** Change the version when the same bytes give other findings. */
const SCANNER = { name: 'secrets', version: '1' }

/** Keys, tokens and passwords in any file, also in those that a later layer deletes, and in the config of an image. */
export const secrets: AcceptanceCheck = {
  name: 'secrets',
  async run(input, reporter, signal) {
    const { unpacked } = await input.prepare(signal)
    if (unpacked) return await validatePhase(input, 'security', reporter, signal)
    if (input.part.kind === 'bundle') return { outcome: 'skipped', reason: 'the bundle was not unpacked' }
    return await searchImage(input, reporter, signal)
  },
}

async function searchImage(input: CheckInput, reporter: CheckReporter, signal: AbortSignal): Promise<CheckEnd> {
  const { context, part, manifest } = input
  const { images } = await imagesOf(context, part.repository_id, manifest)
  for (const image of images) {
    const config = await readImageConfig(context, image.manifest)
    if (config !== undefined) reporter.found(...(await searchConfig(config)))
  }
  let files = 0
  try {
    const scans = scanLayers(
      input,
      { scanner: SCANNER, job: { kind: 'secrets' }, schema: LayerSecrets },
      reporter,
      signal,
    )
    for await (const { layer, result } of scans) {
      files += result.searchedFiles
      reporter.found(...secretFindings(layer, result))
    }
  } catch (error) {
    return whyNotScanned(input, 'secrets', error)
  }
  return { outcome: 'done', notes: [`${files} text files were searched`] }
}
