import type Docker from 'dockerode'
import { packTar } from 'modern-tar'
import type { LaunchRequest } from '../launcher.ts'
import { statusOf, unless } from './engine.ts'
import { ensureNetwork } from './networks.ts'
import { type ContainerSpec, containerSpec, type DockerSpecOptions, type Files } from './spec.ts'

/**
 * Network and container are made at the same time: the engine looks for a network when it starts a container, and each of
 * the two takes it a tenth of a second.
 */
export async function startContainer(
  docker: Docker,
  request: LaunchRequest,
  options: DockerSpecOptions,
): Promise<void> {
  const spec = containerSpec(request, options)
  const network = options.config.network === 'job' ? ensureNetwork(docker, request, options) : Promise.resolve()
  // Both have ended before a failure is told: whoever cleans up after it must not be overtaken.
  const [made, networked] = await Promise.allSettled([makeContainer(docker, spec, network), network])
  for (const one of [networked, made]) if (one.status === 'rejected') throw one.reason
  if (made.status === 'fulfilled' && made.value) await unless([304], docker.getContainer(spec.create.name).start())
}

/** A container with its files in it; false where it has been started already. */
async function makeContainer(docker: Docker, spec: ContainerSpec, network: Promise<void>): Promise<boolean> {
  const { create, files } = spec
  const container = docker.getContainer(create.name)
  if (!(await createContainer(docker, create, network))) {
    const seen = await unless([404], container.inspect())
    if (seen?.State.Status !== 'created') return false
  }
  await putFiles(container, files)
  return true
}

export async function putFiles(container: Docker.Container, { dir, entries }: Files): Promise<void> {
  await container.putArchive(Buffer.from(await packTar(entries)), { path: dir })
}

/** False when the name is taken: by a launch beside this one, or one that was cut off before its start. */
async function createContainer(
  docker: Docker,
  create: ContainerSpec['create'],
  network: Promise<void>,
): Promise<boolean> {
  const tryIt = async () => (await unless([409], docker.createContainer(create))) !== undefined
  try {
    return await tryIt()
  } catch (error) {
    if (statusOf(error) !== 404) throw error
    // An engine that wants the network to be there.
    await network
    return await tryIt()
  }
}
