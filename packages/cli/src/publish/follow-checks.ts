import { createClient, TrainyardClientError } from '@trainyard/client'
import type { Check } from '@trainyard/contract'
import type { PublishView } from './publish-view.ts'

/** Shows the checks of a push while they run, until the verdict. */
export async function followChecks(
  registry: { registryUrl: string; token: string | undefined },
  checkId: string,
  view: PublishView,
  signal: AbortSignal,
): Promise<Check> {
  const client = createClient(registry)
  let last: Check | undefined
  for await (const check of client.checks.live(checkId, { signal })) {
    last = check
    view.check(check)
    if (check.checks.some(({ retryAt }) => retryAt !== undefined)) throw undecided(check)
  }
  signal.throwIfAborted()
  // The stream can end before the verdict, for example when the server restarts.
  if (last?.finishedAt === undefined) last = await client.checks.get(checkId)
  if (last.state === 'received' || last.state === 'checking') throw undecided(last)
  view.check(last)
  view.verdict(last)
  return last
}

function undecided({ id, trainer, version, checks }: Check): TrainyardClientError {
  const title = `${trainer}@${version}`
  const waiting = checks.find(({ retryAt }) => retryAt !== undefined)
  const later = `see its result with: trainyard checks ${id}`
  if (waiting?.retryAt === undefined)
    return new TrainyardClientError('undecided', `the checks of ${title} are still running; ${later}`)
  const why =
    waiting.fault === 'platform'
      ? 'the registry cannot check it now, which is not a fault of the trainer'
      : `its check "${waiting.name}" could not be completed`
  return new TrainyardClientError(
    'undecided',
    `${title} was pushed, but ${why}. It tries again automatically at ${waiting.retryAt}; ${later}`,
  )
}
