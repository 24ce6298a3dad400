import { gunzipSync, gzipSync } from 'node:zlib'
import { inspectLayer, type LayerEntry, type LayerListing, type LayerScan } from '@trainyard/validator/image'
import { z } from 'zod'

/** A listing as it is stored: its entries are packed, because there may be a million, with any bytes in their names. */
export const PackedListing = z.object({
  entries: z.base64(),
  diffId: z.string(),
  unpackedBytes: z.number(),
})
export type PackedListing = z.infer<typeof PackedListing>

/** Lists the entries of a layer. */
export async function listLayer({ body, mediaType, limits }: LayerScan): Promise<PackedListing> {
  const { entries, diffId, unpackedBytes } = await inspectLayer(body, { mediaType, limits })
  const rows = entries.map(({ path, type, mode, sizeBytes, linkPath }) => [path, type, mode, sizeBytes, linkPath])
  return { entries: gzipSync(JSON.stringify(rows)).toString('base64'), diffId, unpackedBytes }
}

/** The entries that {@link listLayer} packed. */
export function unpackListing({ entries, diffId, unpackedBytes }: PackedListing): LayerListing {
  const rows = JSON.parse(gunzipSync(Buffer.from(entries, 'base64')).toString()) as [
    string,
    LayerEntry['type'],
    number,
    number,
    string,
  ][]
  return {
    entries: rows.map(([path, type, mode, sizeBytes, linkPath]) => ({ path, type, mode, sizeBytes, linkPath })),
    diffId,
    unpackedBytes,
  }
}
