import { z } from 'zod'
import { findSecrets } from '../secrets.ts'
import { inspectLayer } from './inspect-layer.ts'
import { type LayerListing, shownPath } from './layer-entry.ts'
import { addPath, type LayerScan } from './layer-scan.ts'

/** The part of a file that is searched. Larger text files are data. */
const MAX_FILE_BYTES = 5 * 1024 * 1024
const MAX_SECRETS = 500

const SomePaths = z.object({ count: z.number(), examples: z.array(z.string()) })

/** The secrets in the files of one layer, also in those that an upper layer hides. */
export const LayerSecrets = z.object({
  secrets: z.array(
    z.object({ path: z.string(), line: z.number(), column: z.number(), message: z.string(), subject: z.string() }),
  ),
  searchedFiles: z.number(),
  tooLarge: SomePaths,
  binary: SomePaths,
  failed: SomePaths,
  /** Whether there were too many secrets to keep. */
  cut: z.boolean(),
})
export type LayerSecrets = z.infer<typeof LayerSecrets>

/** Searches every file of a layer for secrets. */
export async function searchLayer(scan: LayerScan): Promise<LayerSecrets> {
  return (await listAndSearchLayer(scan)).secrets
}

/** The same, with what the layer holds. */
export async function listAndSearchLayer({
  body,
  mediaType,
  limits,
  onFile,
}: LayerScan): Promise<{ listing: LayerListing; secrets: LayerSecrets }> {
  const none = () => ({ count: 0, examples: [] })
  const found: LayerSecrets = {
    secrets: [],
    searchedFiles: 0,
    tooLarge: none(),
    binary: none(),
    failed: none(),
    cut: false,
  }
  const listing = await inspectLayer(body, {
    mediaType,
    limits,
    async onFile(entry, file) {
      const path = shownPath(entry.path)
      onFile(path)
      if (entry.sizeBytes === 0) return
      const bytes = await file.read(MAX_FILE_BYTES)
      if (bytes === undefined) return addPath(found.tooLarge, path)
      const search = await findSecrets(entry.path, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
      if (search.state === 'skipped') return addPath(search.reason === 'binary' ? found.binary : found.failed, path)
      found.searchedFiles += 1
      for (const secret of search.secrets) {
        if (found.secrets.length < MAX_SECRETS) found.secrets.push({ path, ...secret })
        else found.cut = true
      }
    },
  })
  return { listing, secrets: found }
}
