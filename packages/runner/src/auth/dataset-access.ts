import { actorOf, projectsFor, requireScope, TrainyardError } from '@trainyard/platform'
import type { Context } from 'hono'
import type { RunnerContext } from '../context.ts'
import type { DatasetAccess } from '../datasets/access.ts'
import { recordTransfer } from '../usage/record-transfer.ts'
import { organisationOf } from './audit.ts'
import { callerOf } from './authorise.ts'
import { chooseProject } from './choose-project.ts'
import { signingForCaller } from './signed-for.ts'

/** What the caller of a request can do with datasets. */
export function datasetAccess(context: RunnerContext, c: Context): DatasetAccess {
  const caller = callerOf(c)
  return {
    readable() {
      requireScope(caller, 'datasets:read')
      return projectsFor(caller, 'datasets:read').map(({ id }) => id)
    },
    projectFor: (name) => chooseProject(caller, 'datasets:write', name).id,
    async confirm(projectId) {
      if (caller.expiresAt !== undefined && caller.expiresAt <= context.clock.now()) return
      const now = await context.authenticator.authenticate(c.req.raw)
      if (projectsFor(now, 'datasets:write').some(({ id }) => id === projectId)) return
      throw new TrainyardError('forbidden', 'The right to add datasets to this project was revoked during the upload')
    },
    signing: (store) => signingForCaller({ store }, caller).store,
    organisationOf: (projectId) => caller.projects.find(({ id }) => id === projectId)?.organisation,
    async audit(trx, { action, id, name, projectId, data, uploadedBytes }) {
      if (uploadedBytes !== undefined) {
        const at = context.clock.now()
        await recordTransfer(trx, { at, projectId, person: caller.subject, uploadedBytes })
      }
      await context.identity.audit(trx, {
        ...actorOf(caller),
        action,
        subject: `dataset:${id}`,
        subjectName: name,
        projectId,
        organisationId: organisationOf(caller, projectId),
        data,
      })
    },
  }
}
