import type { RegistryContext } from '../context.ts'
import { discardUpload } from './uploads.ts'

const INTERVAL_MS = 10 * 60_000
const BATCH = 100

/** Every ten minutes, deletes upload sessions that were never finished, with their chunks. Call the result to stop. */
export function discardOldUploadsRegularly(context: RegistryContext): () => void {
  const timer = setInterval(() => {
    discardOldUploads(context).catch((error: unknown) =>
      context.logger.warn({ err: error }, 'old uploads could not be deleted'),
    )
  }, INTERVAL_MS)
  return () => clearInterval(timer)
}

async function discardOldUploads(context: RegistryContext): Promise<void> {
  const oldest = new Date(context.clock.now().getTime() - context.config.uploadSeconds * 1000)
  const old = await context.database.db
    .selectFrom('uploads')
    .select('id')
    .where('created_at', '<', oldest)
    .limit(BATCH)
    .execute()
  for (const { id } of old) await discardUpload(context, id)
}
