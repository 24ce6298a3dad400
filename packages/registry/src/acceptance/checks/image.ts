import type { Finding } from '@trainyard/contract'
import {
  configFindings,
  diffIdFindings,
  imageLayers,
  type ListedImage,
  readImage,
  sizeFindings,
  treeFindings,
} from '@trainyard/validator/image'
import { createFinding } from '../findings.ts'
import { readImageConfig } from '../image-config.ts'
import { createLayerReader } from '../layer-reader.ts'
import { imagesOf } from '../part-images.ts'
import type { AcceptanceCheck, CheckInput } from './check.ts'
import { whyNotScanned } from './why-not-scanned.ts'

/** Structure and policy of an image: user, entry point, setuid files, devices, size, digests of layers. */
export const image: AcceptanceCheck = {
  name: 'image',
  async run(input, reporter, signal) {
    const { context, part, manifest } = input
    const { images } = await imagesOf(context, part.repository_id, manifest)
    try {
      for (const [index, one] of images.entries()) {
        reporter.advanced({ done: index, total: images.length, unit: 'steps', what: one.platform })
        reporter.found(...(await findingsOf(input, one, signal)))
      }
    } catch (error) {
      return whyNotScanned(input, 'image', error)
    }
    if (images.length === 0) return { outcome: 'skipped', reason: 'the index refers to no image' }
    return { outcome: 'done', notes: [`platforms: ${images.map(platformOf).join(', ')}`] }
  },
}

const platformOf = ({ platform }: ListedImage): string => platform ?? 'as in the config'

async function findingsOf({ context }: CheckInput, image: ListedImage, signal: AbortSignal): Promise<Finding[]> {
  const config = await readImageConfig(context, image.manifest)
  if (config === undefined)
    return [createFinding('TY293', 'the config of the image is not JSON of the expected form, or larger than 4 MiB')]
  const view = await readImage(imageLayers(image.manifest), createLayerReader(context, signal))
  const { rootUser = 'warn', maxImageBytes } = context.config.imagePolicy ?? {}
  return [
    ...configFindings(config, { platform: image.platform, rootUser }),
    ...diffIdFindings(view, config.rootfs?.diff_ids ?? []),
    ...treeFindings(view.tree, imageLayers(image.manifest)),
    ...sizeFindings(view, maxImageBytes),
  ]
}
