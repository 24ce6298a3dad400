import { packTar } from 'modern-tar'
import type { LaunchRequest } from '../launcher.ts'
import { ignoring, statusOf } from './engine.ts'
import type { EngineClient, EngineContainer } from './engine-client.ts'
import { ensureNetwork } from './networks.ts'
import { type ContainerSpec, containerSpec, type DockerSpecOptions, type Files, networkSpec } from './spec.ts'

/**
 * Creates and starts the container of an attempt. Network and container are created at the same time, because each takes
 * about 100 ms and the engine needs the network only at the start.
 */
export async function startContainer(
  docker: EngineClient,
  request: LaunchRequest,
  options: DockerSpecOptions,
): Promise<void> {
  const spec = containerSpec(request, options)
  const { network: kind, subnets } = options.config
  const { name } = spec.create
  const network =
    kind === 'job'
      ? ensureNetwork(docker, { name, subnets, spec: (subnet) => networkSpec(request, options, subnet) })
      : Promise.resolve()
  // Waits for both before it reports a failure, so that a cleanup afterwards finds everything that was created.
  const [created, networked] = await Promise.allSettled([createWithFiles(docker, spec, network), network])
  for (const result of [networked, created]) if (result.status === 'rejected') throw result.reason
  if (created.status === 'fulfilled' && created.value)
    await ignoring([304], docker.getContainer(spec.create.name).start())
}

/** Creates a container and its files. False: the container exists and was started before. */
async function createWithFiles(docker: EngineClient, spec: ContainerSpec, network: Promise<void>): Promise<boolean> {
  const { create, files } = spec
  const container = docker.getContainer(create.name)
  if (!(await createContainer(docker, create, network))) {
    const existing = await ignoring([404], container.inspect())
    if (existing?.State.Status !== 'created') return false
  }
  await putFiles(container, files)
  return true
}

export async function putFiles(container: EngineContainer, { dir, entries }: Files): Promise<void> {
  await container.putArchive(Buffer.from(await packTar(entries)), { path: dir })
}

/** False: the name is taken by a concurrent launch, or by one that was interrupted before the start. */
async function createContainer(
  docker: EngineClient,
  create: ContainerSpec['create'],
  network: Promise<void>,
): Promise<boolean> {
  const tryCreate = async () => (await ignoring([409], docker.createContainer(create))) !== undefined
  try {
    return await tryCreate()
  } catch (error) {
    if (statusOf(error) !== 404) throw error
    // Some engines require that the network exists.
    await network
    return await tryCreate()
  }
}
