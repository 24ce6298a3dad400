import { type Listening, listen } from '@trainyard/platform'
import type { Runner } from './create-runner.ts'

interface App {
  fetch(request: Request): Response | Promise<Response>
}

/**
 * Opens a second door where trainers do not reach loopback, on the same port. It leads to what a job token or a signed URL
 * opens and nowhere else: what runs in containers has no business with people's API.
 */
export async function listenForTrainers(
  runner: Runner,
  store: App | undefined,
  { port }: Pick<Listening, 'port'>,
): Promise<Listening | undefined> {
  const { trainers } = runner
  if (trainers === undefined) return undefined
  return await listen(
    {
      fetch(request) {
        const isStorage = store !== undefined && new URL(request.url).pathname.startsWith('/storage/')
        return isStorage ? store.fetch(request) : trainers.app.fetch(request)
      },
    },
    { host: trainers.address, port },
  )
}
