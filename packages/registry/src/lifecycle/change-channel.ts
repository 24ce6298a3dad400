import type { SetChannelRequest } from '@trainyard/contract'
import { notFound, TrainyardError } from '@trainyard/platform'
import { auditNamespace } from '../names/namespace-request.ts'
import { refreshTrainer } from '../search/refresh-trainer.ts'
import { isOpen } from '../versions/states.ts'
import { type OwnerRequest, requireOwner } from './owner.ts'

/** Points a channel to a published version. */
export async function setChannel(request: OwnerRequest, { name: channel, version }: SetChannelRequest): Promise<void> {
  requireOwner(request)
  const { context, name } = request
  await context.database.transaction(async (trx) => {
    const parts = await trx
      .selectFrom('versions')
      .innerJoin('repositories', 'repositories.id', 'versions.repository_id')
      .innerJoin('version_parts', 'version_parts.version_id', 'versions.id')
      .select(['versions.id', 'versions.repository_id', 'version_parts.state'])
      .where('repositories.name', '=', name)
      .where('versions.version', '=', version)
      .forUpdate()
      .execute()
    const found = parts.find(({ state }) => isOpen(state))
    if (!found) {
      const state = parts[0]?.state
      if (state === undefined) throw notFound('version', `${name}:${version}`)
      throw new TrainyardError('conflict', `${name}:${version} is ${state}; a channel needs a published version`)
    }
    const values = { version_id: found.id, set_at: context.clock.now() }
    await trx
      .insertInto('channels')
      .values({ repository_id: found.repository_id, name: channel, ...values })
      .onConflict((conflict) => conflict.columns(['repository_id', 'name']).doUpdateSet(values))
      .execute()
    await refreshTrainer(trx, context.config, found.repository_id)
    await auditNamespace(request, trx, { action: 'channel.set', subject: `${name}:${channel}`, data: { version } })
  })
}

/** Removes a channel. `latest` and `next` are computed again. */
export async function removeChannel(request: OwnerRequest, channel: string): Promise<void> {
  requireOwner(request)
  const { context, name } = request
  await context.database.transaction(async (trx) => {
    const removed = await trx
      .deleteFrom('channels')
      .using('repositories')
      .whereRef('repositories.id', '=', 'channels.repository_id')
      .where('repositories.name', '=', name)
      .where('channels.name', '=', channel)
      .returning('channels.repository_id')
      .executeTakeFirst()
    if (!removed) throw notFound('channel', `${name}:${channel}`)
    await refreshTrainer(trx, context.config, removed.repository_id)
    await auditNamespace(request, trx, { action: 'channel.remove', subject: `${name}:${channel}`, data: {} })
  })
}
