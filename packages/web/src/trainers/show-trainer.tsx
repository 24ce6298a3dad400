import { TrainyardApiError } from '@trainyard/client'
import type { TrainerVersion } from '@trainyard/contract'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { WebContext, WebEnv } from '../context.ts'
import { TrainerPage } from './trainer-page.tsx'

export interface ShowTrainerOptions {
  name: string
  /** Default: the latest version. */
  version?: string | undefined
  /** Why the owner's form was refused. */
  problem?: string | undefined
  /** The owner's form was accepted. */
  done?: boolean | undefined
  status?: ContentfulStatusCode | undefined
}

export async function showTrainer(
  context: WebContext,
  c: Context<WebEnv>,
  { name, version: asked, problem, done, status }: ShowTrainerOptions,
): Promise<Response> {
  const trainer = await context.client.trainers.get(name)
  const version = asked
    ? await context.client.trainers.version(name, asked)
    : await findVersion(context, name, trainer.latestVersion)
  // Only members may change it, and see how much it is used.
  const usage = trainer.mayChange ? await context.client.trainers.usage(name) : undefined
  const props = {
    assetUrl: c.get('assetUrl'),
    runnerUrl: context.runnerUrl,
    registryUrl: context.registryUrl,
    now: context.now(),
  }
  return c.html(
    <TrainerPage {...props} trainer={trainer} version={version} usage={usage} problem={problem} done={done} />,
    status,
  )
}

/** The checks of the latest version are worth showing, but not worth failing for. */
async function findVersion(context: WebContext, name: string, version: string): Promise<TrainerVersion | undefined> {
  try {
    return await context.client.trainers.version(name, version)
  } catch (error) {
    if (error instanceof TrainyardApiError && error.status === 404) return undefined
    throw error
  }
}
