import { z } from '@hono/zod-openapi'
import { DatasetFormat, ProjectName, readableLine, TaskType } from '@trainyard/contract'
import type { Context } from 'hono'

export const Archive = z.string().meta({ format: 'binary' })
export const IdParams = z.object({ id: z.string().min(1).max(100) })
export const VersionParams = z.object({
  id: z.string().min(1).max(100).describe('`ds_…@3` for version 3. Without a number: the latest version'),
})
/** Parameters of an upload. A JSON request has them in its body. */
export const UploadQuery = z.object({
  name: readableLine(200),
  project: ProjectName.optional().describe('Default: the first project of the caller'),
  format: DatasetFormat.optional().describe('Default: detected from the files'),
  taskType: TaskType.optional().describe('The task, for formats whose files do not state it'),
  strict: z
    .stringbool()
    .default(false)
    .describe(
      'Refuse the dataset when anything would be left out or changed. Otherwise `losses` of the dataset says what',
    ),
})
export const archiveBody = {
  'application/zip': { schema: Archive },
  'application/x-tar': { schema: Archive },
  'application/gzip': { schema: Archive },
  'application/octet-stream': { schema: Archive },
}
/** Whether a request describes files in a bucket, instead of sending them. */
export function isJson(c: Context): boolean {
  return /^application\/json\s*(;|$)/i.test(c.req.header('content-type') ?? '')
}
