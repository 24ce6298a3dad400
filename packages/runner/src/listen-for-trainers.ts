import { type Listening, listen } from '@trainyard/platform'
import type { Runner } from './create-runner.ts'

interface App {
  fetch(request: Request): Response | Promise<Response>
}

/**
 * Opens a second door where trainers do not reach loopback: on the same port of another address, or through the sockets of
 * their own network. It leads to what a job token or a signed URL opens and nowhere else: what runs there has no business
 * with people's API.
 */
export async function listenForTrainers(
  runner: Pick<Runner, 'trainers' | 'trainersApp' | 'openGate'>,
  store: App | undefined,
  { port }: Pick<Listening, 'port'>,
): Promise<Pick<Listening, 'close'> | undefined> {
  const { trainers, trainersApp, openGate } = runner
  const app = {
    fetch(request: Request) {
      const isStorage = store !== undefined && new URL(request.url).pathname.startsWith('/storage/')
      return isStorage ? store.fetch(request) : trainersApp.fetch(request)
    },
  }
  if (openGate !== undefined) return await openGate(app)
  if (trainers === undefined) return undefined
  return await listen(app, { host: trainers.address, port })
}
