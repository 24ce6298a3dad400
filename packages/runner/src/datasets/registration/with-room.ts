import { formatBytes } from '@trainyard/contract/format'
import { lockUntilEnd, newId, TrainyardError } from '@trainyard/platform'
import { sql } from 'kysely'
import type { DatasetContext, DatasetQuota } from '../context.ts'
import { removeUpload } from './sweep-uploads.ts'

/** Reserved at once while an archive is unpacked, so that not every file of it asks the database. */
const STEP: Size = { bytes: 64 * 1024 ** 2, files: 1000 }

export interface Size {
  bytes: number
  files: number
}

/** The place of a dataset that is being registered. */
export interface Room {
  /** The id of the dataset. */
  id: string
  /** Reserves what the dataset has so far. Throws `payload_too_large` when the quota of the project has no room for it. */
  reserve(total: Size): Promise<void>
  /** Call before the first object is stored: what is stored is removed unless the dataset comes to exist. */
  holdsObjects(): void
  /** The dataset exists, and its row has replaced the reservation. */
  keep(): void
}

/**
 * Registers a dataset within the quota of its project. What is reserved counts until the work has ended, so that uploads at
 * the same time cannot take the same room. If the process ends before, it counts until the upload is swept.
 */
export async function withRoom<T>(
  context: DatasetContext,
  projectId: string,
  work: (room: Room) => Promise<T>,
): Promise<T> {
  const { db } = context.database
  const id = newId('ds')
  let hasObjects = false
  let isKept = false
  const held: Size = { bytes: 0, files: 0 }
  const hold = async (size: Size) => {
    await reserve(context, { id, projectId, size })
    Object.assign(held, size)
  }
  await db
    .insertInto('dataset_uploads')
    .values({ id, project_id: projectId, started_at: context.clock.now() })
    .execute()
  try {
    return await work({
      id,
      async reserve({ bytes, files }) {
        const size = { bytes: Math.max(bytes, held.bytes), files: Math.max(files, held.files) }
        if (size.bytes === held.bytes && size.files === held.files) return
        try {
          await hold({ bytes: size.bytes + STEP.bytes, files: size.files + STEP.files })
        } catch (error) {
          if (!(error instanceof TrainyardError) || error.code !== 'payload_too_large') throw error
          await hold(size)
        }
      },
      holdsObjects() {
        hasObjects = true
      },
      keep() {
        isKept = true
      },
    })
  } finally {
    if (hasObjects && !isKept) await removeUpload(context, id)
    else if (!isKept) await db.deleteFrom('dataset_uploads').where('id', '=', id).execute()
  }
}

interface Usage {
  used: Size
  /** By other uploads. */
  reserved: Size
}

async function reserve(
  context: DatasetContext,
  { id, projectId, size }: { id: string; projectId: string; size: Size },
): Promise<void> {
  await context.database.transaction(async (trx) => {
    // Uploads of a project wait for each other: each counts those before it.
    await lockUntilEnd(trx, `dataset quota ${projectId}`)
    const { rows } = await sql<{ bytes: number; files: number; reserved_bytes: number; reserved_files: number }>`
      select coalesce(sum(bytes) filter (where not is_upload), 0)::bigint as bytes,
             coalesce(sum(files) filter (where not is_upload), 0)::bigint as files,
             coalesce(sum(bytes) filter (where is_upload), 0)::bigint as reserved_bytes,
             coalesce(sum(files) filter (where is_upload), 0)::bigint as reserved_files
      from (
        select stored_bytes as bytes, stored_files as files, false as is_upload from datasets
          where project_id = ${projectId}
        union all
        select s.stored_bytes, s.stored_files, false from dataset_snapshots s
          join datasets d on d.id = s.dataset_id where d.project_id = ${projectId}
        union all
        select reserved_bytes, reserved_files, true from dataset_uploads
          where project_id = ${projectId} and id <> ${id}
      ) as part`.execute(trx)
    const [row] = rows
    requireRoom(context.limits, size, {
      used: { bytes: row?.bytes ?? 0, files: row?.files ?? 0 },
      reserved: { bytes: row?.reserved_bytes ?? 0, files: row?.reserved_files ?? 0 },
    })
    await trx
      .updateTable('dataset_uploads')
      .set({ reserved_bytes: size.bytes, reserved_files: size.files })
      .where('id', '=', id)
      .execute()
  })
}

const QUOTAS = [
  {
    quota: 'maxProjectDatasetBytes',
    part: 'bytes',
    variable: 'DATASET_MAX_GB_PER_PROJECT',
    show: formatBytes,
  },
  {
    quota: 'maxProjectDatasetFiles',
    part: 'files',
    variable: 'DATASET_MAX_FILES_PER_PROJECT',
    show: (files: number) => `${files} files`,
  },
] as const

function requireRoom(limits: DatasetQuota | undefined, size: Size, { used, reserved }: Usage): void {
  for (const { quota, part, variable, show } of QUOTAS) {
    const limit = limits?.[quota]
    if (limit === undefined || used[part] + reserved[part] + size[part] <= limit) continue
    throw new TrainyardError(
      'payload_too_large',
      `The quota of datasets of this project is ${show(limit)}: they have ${show(used[part])}, uploads that have not ended ` +
        `reserve ${show(reserved[part])}, and this one needs ${show(size[part])} or more. Delete datasets, wait for the other ` +
        `uploads, or ask the operator to raise ${variable}`,
      { extra: { quota, used: used[part], reserved: reserved[part], limit, limits: { [quota]: limit } } },
    )
  }
}
