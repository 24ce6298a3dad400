import type { ClosedEngine, ClosedEngineOptions } from './closed-engine.ts'

/**
 * Opens the Docker engine of this machine to run trainers that are not trusted with any network.
 *
 * @returns a text that says why, where containers cannot be run and watched here
 */
export async function openClosedEngine(options: ClosedEngineOptions): Promise<ClosedEngine | string> {
  // Imported only when used: the client is large and takes long to load.
  const docker = await import('./docker/closed-engine.ts')
  return await docker.openClosedEngine(options)
}
