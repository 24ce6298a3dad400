import type { z } from 'zod'
import type { RegistryContext } from '../context.ts'
import { toJsonText } from '../db/json.ts'

/** What the result of a scan depends on. */
export interface LayerScan {
  /** The digest of the compressed layer. */
  layerDigest: string
  scanner: string
  /** Of the program, its rules and its database. */
  scannerVersion: string
  /** Everything else that changes the result, as text. Default: nothing. */
  settings?: string | undefined
}

/** The result of the same scan of an earlier part, or else that of `scan`, which is stored. */
export async function cachedByLayer<T>(
  { database, clock }: RegistryContext,
  { layerDigest, scanner, scannerVersion, settings = '' }: LayerScan,
  schema: z.ZodType<T>,
  scan: () => Promise<T>,
): Promise<T> {
  const now = clock.now()
  const stored = await database.db
    .updateTable('layer_results')
    .set({ used_at: now })
    .where('layer_digest', '=', layerDigest)
    .where('scanner', '=', scanner)
    .where('scanner_version', '=', scannerVersion)
    .where('settings', '=', settings)
    .returning('result')
    .executeTakeFirst()
  const parsed = stored && schema.safeParse(stored.result)
  if (parsed?.success) return parsed.data
  const result = await scan()
  const text = toJsonText(result)
  await database.db
    .insertInto('layer_results')
    .values({
      layer_digest: layerDigest,
      scanner,
      scanner_version: scannerVersion,
      settings,
      result: text,
      used_at: now,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['layer_digest', 'scanner', 'scanner_version', 'settings'])
        .doUpdateSet({ result: text, used_at: now }),
    )
    .execute()
  return result
}
