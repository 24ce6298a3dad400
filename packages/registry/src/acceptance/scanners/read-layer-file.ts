import { inspectLayer, type LayerScan } from '@trainyard/validator/image'
import type { LayerJob } from './layer-messages.ts'

/** The bytes of one entry of a layer; undefined when it is no file or larger. */
export async function readLayerFile(
  { body, mediaType, limits }: LayerScan,
  { index: wanted, maxBytes }: Extract<LayerJob, { kind: 'file' }>,
): Promise<Uint8Array | undefined> {
  let content: Uint8Array | undefined
  await inspectLayer(body, {
    mediaType,
    limits,
    async onFile(_, file, index) {
      if (index === wanted) content = await file.read(maxBytes)
    },
  })
  return content
}
