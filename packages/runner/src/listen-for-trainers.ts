import { type Listening, type ListenOptions, listen } from '@trainyard/platform'
import type { Runner } from './create-runner.ts'
import { type App, withStorage } from './with-storage.ts'

/**
 * Listens a second time for trainers that cannot reach the loopback interface: on the same port of another address, or in
 * their own network. Serves only what a job token or a signed URL opens, and none of the API for people.
 *
 * @param store the app of a folder store, which trainers need too
 * @returns undefined when trainers reach the first server
 */
export async function listenForTrainers(
  runner: Pick<Runner, 'trainers' | 'trainersApp' | 'openGateway'>,
  store: App | undefined,
  { port, limits, logger }: Pick<ListenOptions, 'port' | 'limits' | 'logger'>,
): Promise<Pick<Listening, 'close'> | undefined> {
  const { trainers, trainersApp, openGateway } = runner
  const app = withStorage(trainersApp, store)
  if (openGateway !== undefined) return await openGateway(app, limits)
  if (trainers === undefined) return undefined
  return await listen(app, { host: trainers.address, port, limits, logger })
}
