import type { DeprecateVersionRequest, VersionState, WebhookTopic, YankVersionRequest } from '@trainyard/contract'
import { notFound, TrainyardError } from '@trainyard/platform'
import type { Transaction } from 'kysely'
import type { RegistryDatabase } from '../db/schema/index.ts'
import { queueEvent } from '../events/queue-event.ts'
import { auditNamespace } from '../names/namespace-request.ts'
import { refreshTrainer } from '../search/refresh-trainer.ts'
import { noticedState } from '../versions/states.ts'
import { type OwnerRequest, requireOwner } from './owner.ts'

interface Notice {
  deprecation: string | null
  replacement: string | null
  yank_reason: string | null
}

interface Change {
  version: string
  /** The states that the change applies to. A version in another state is a conflict. */
  from: readonly VersionState[]
  /** The state afterwards, which may depend on an earlier notice. */
  to: (notice: Notice) => VersionState
  notice: Partial<Notice>
  action: string
  data: Record<string, unknown>
  event: WebhookTopic
  /** What the event says beside the version. */
  eventData?: Record<string, string | undefined> | undefined
}

/** Marks a version as one that should not be used any more. It can still be pulled, with a warning. */
export async function deprecateVersion(
  request: OwnerRequest,
  version: string,
  { message, replacement }: DeprecateVersionRequest,
): Promise<void> {
  await changeVersion(request, {
    version,
    from: ['published', 'deprecated'],
    to: () => 'deprecated',
    notice: { deprecation: message, replacement: replacement ?? null },
    action: 'version.deprecate',
    data: { message, replacement: replacement ?? null },
    event: 'version.deprecated',
    eventData: { reason: message, replacement },
  })
}

export async function restoreDeprecated(request: OwnerRequest, version: string): Promise<void> {
  await changeVersion(request, {
    version,
    from: ['deprecated'],
    to: () => 'published',
    notice: { deprecation: null, replacement: null },
    action: 'version.undeprecate',
    data: {},
    event: 'version.restored',
  })
}

/** Hides a version: no range, tag or channel finds it any more. Pulls by digest go on. */
export async function yankVersion(
  request: OwnerRequest,
  version: string,
  { reason }: YankVersionRequest,
): Promise<void> {
  await changeVersion(request, {
    version,
    from: ['published', 'deprecated', 'yanked'],
    to: () => 'yanked',
    notice: { yank_reason: reason },
    action: 'version.yank',
    data: { reason },
    event: 'version.yanked',
    eventData: { reason },
  })
}

export async function restoreYanked(request: OwnerRequest, version: string): Promise<void> {
  await changeVersion(request, {
    version,
    from: ['yanked'],
    to: noticedState,
    notice: { yank_reason: null },
    action: 'version.unyank',
    data: {},
    event: 'version.restored',
  })
}

async function changeVersion(request: OwnerRequest, change: Change): Promise<void> {
  requireOwner(request)
  const { context, name } = request
  await context.database.transaction(async (trx) => {
    const found = await trx
      .selectFrom('versions')
      .innerJoin('repositories', 'repositories.id', 'versions.repository_id')
      .select(['versions.id', 'versions.repository_id'])
      .where('repositories.name', '=', name)
      .where('versions.version', '=', change.version)
      .forUpdate()
      .executeTakeFirst()
    if (!found) throw notFound('version', `${name}:${change.version}`)
    const notice = await writeNotice(trx, found.id, change.notice)
    const { numUpdatedRows } = await trx
      .updateTable('version_parts')
      .set({ state: change.to(notice) })
      .where('version_id', '=', found.id)
      .where('state', 'in', [...change.from])
      .executeTakeFirstOrThrow()
    if (numUpdatedRows === 0n) throw await unfit(trx, found.id, `${name}:${change.version}`, change.from)
    await refreshTrainer(trx, context.config, found.repository_id)
    await auditNamespace(request, trx, {
      action: change.action,
      subject: `${name}:${change.version}`,
      data: change.data,
    })
    const data = { trainer: name, version: change.version, ...change.eventData }
    await queueEvent(context, trx, { namespace: request.namespace, type: change.event, data })
  })
}

async function writeNotice(
  trx: Transaction<RegistryDatabase>,
  versionId: number,
  notice: Partial<Notice>,
): Promise<Notice> {
  return await trx
    .insertInto('version_notices')
    .values({ version_id: versionId, deprecation: null, replacement: null, yank_reason: null, ...notice })
    .onConflict((conflict) => conflict.column('version_id').doUpdateSet(notice))
    .returning(['deprecation', 'replacement', 'yank_reason'])
    .executeTakeFirstOrThrow()
}

async function unfit(
  trx: Transaction<RegistryDatabase>,
  versionId: number,
  subject: string,
  expected: readonly VersionState[],
): Promise<TrainyardError> {
  const parts = await trx.selectFrom('version_parts').select('state').where('version_id', '=', versionId).execute()
  const states = [...new Set(parts.map(({ state }) => state))].join(' and ')
  return new TrainyardError('conflict', `${subject} is ${states}; expected ${expected.join(' or ')}`)
}
