import type { ContainerCreateOptions, NetworkCreateOptions } from 'dockerode'
import type { TarEntry } from 'modern-tar'
import { CONTAINER_PLACES, containerEnvironment } from '../container-environment.ts'
import type { AttemptRef, LaunchRequest } from '../launcher.ts'
import type { DockerConfig } from './config.ts'

const INSTANCE = 'dev.trainyard.instance'
const JOB = 'dev.trainyard.job'
const ATTEMPT = 'dev.trainyard.attempt'
const DISK_BYTES = 'dev.trainyard.disk-bytes'

/** A volume of the attempt, which holds its work folder and what only it may read. */
const VOLUME_DIR = '/trainyard'
/** What the runner fills for all jobs. */
const CACHE_DIR = `${VOLUME_DIR}/datasets`
const MB = 1024 ** 2

export interface DockerSpecOptions {
  config: DockerConfig
  /** Names this runner's database. */
  instanceId: string
  datasetCacheMaxGb: number
  /** The runner's dataset cache, as the engine knows it: a volume or a folder. Absent: each job has one of its own. */
  datasetCache?: string | undefined
  /** How many cores the engine has; it refuses a limit above that. */
  engineCpus: number
}

/**
 * The name of an attempt's container, network and volume. Two databases over one engine both have a job 1: a part of the
 * instance keeps them apart.
 */
export function attemptName({ jobId, attempt }: AttemptRef, instanceId: string): string {
  return `trainyard-${jobId}-${attempt}-${instanceId.slice(0, 8)}`
}

export function attemptLabels({ jobId, attempt }: AttemptRef, instanceId: string): Record<string, string> {
  return { [INSTANCE]: instanceId, [JOB]: String(jobId), [ATTEMPT]: String(attempt) }
}

/** The filter that finds everything of ours. */
export function instanceLabel(instanceId: string): string {
  return `${INSTANCE}=${instanceId}`
}

/** The reverse of {@link attemptLabels}. */
export function parseLabels(labels: Readonly<Record<string, string>> | null): AttemptRef | undefined {
  const [jobId, attempt] = [labels?.[JOB], labels?.[ATTEMPT]]
  if (jobId === undefined || attempt === undefined) return undefined
  return /^\d{1,16}$/.test(jobId) && /^\d{1,7}$/.test(attempt)
    ? { jobId: Number(jobId), attempt: Number(attempt) }
    : undefined
}

/** What a container may write into its volume: kept with it, for a runner that did not start it. */
export function diskLimitOf(labels: Readonly<Record<string, string>>): number | undefined {
  const bytes = Number(labels[DISK_BYTES])
  return bytes > 0 ? bytes : undefined
}

/** A network without other jobs in it. Its containers reach the outside, as a trainer must reach platform and storage. */
export function networkSpec(ref: AttemptRef, options: DockerSpecOptions, subnet: string): NetworkCreateOptions {
  return {
    Name: attemptName(ref, options.instanceId),
    Driver: 'bridge',
    CheckDuplicate: true,
    IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] },
    Labels: attemptLabels(ref, options.instanceId),
  }
}

/** Folders and files to be unpacked in a folder of the container. */
export interface Files {
  dir: string
  entries: TarEntry[]
}

export interface ContainerSpec {
  create: ContainerCreateOptions & { name: string }
  /** Before its start. */
  files: Files
}

/** Job → container. */
export function containerSpec(request: LaunchRequest, options: DockerSpecOptions): ContainerSpec {
  const { config, instanceId, datasetCacheMaxGb, engineCpus } = options
  const { resources, argv } = request
  const image = imageOf(request)
  const name = attemptName(request, instanceId)
  const labels = attemptLabels(request, instanceId)
  const { datasetCache } = options
  const { env, configText } = containerEnvironment(request, {
    datasetCacheDir: datasetCache === undefined ? `${CONTAINER_PLACES.workDir}/datasets` : CACHE_DIR,
    datasetCacheMaxGb,
    isCacheShown: datasetCache !== undefined,
    // On disk: what lies in /tmp is memory of the job.
    tmpDir: `${CONTAINER_PLACES.workDir}/tmp`,
  })
  const memory = (resources.memoryMb ?? config.memoryMb) * MB
  const cpus = resources.cpu ?? config.cpus
  const gpus = resources.gpu ?? 0
  const diskGb = resources.diskGb ?? config.diskGb
  return {
    create: {
      name,
      Image: image,
      // The manifest's command alone: the image's own entry point would come before it.
      Entrypoint: [...argv.slice(0, 1)],
      Cmd: [...argv.slice(1)],
      // PATH and the like come from the image; what stands here wins.
      Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
      Labels: { ...labels, ...(diskGb === undefined ? {} : { [DISK_BYTES]: String(Math.ceil(diskGb * 1024 ** 3)) }) },
      // A number, so that no passwd of the image can make it root.
      User: config.user,
      // An image's health check would run beside the training, and nobody reads it.
      Healthcheck: { Test: ['NONE'] },
      StopSignal: 'SIGTERM',
      HostConfig: {
        // A small init as PID 1: signals and their default actions work for the trainer as outside, and zombies are reaped.
        Init: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges:true'],
        ReadonlyRootfs: true,
        Tmpfs: { '/tmp': `rw,nosuid,nodev,size=${config.tmpMb * MB},mode=1777` },
        Mounts: [
          // NoCopy: what an image has at this path must not come along.
          {
            Type: 'volume',
            Source: name,
            Target: VOLUME_DIR,
            VolumeOptions: { NoCopy: true, Labels: labels, DriverConfig: { Name: 'local', Options: {} } },
          },
          ...(datasetCache === undefined ? [] : [cacheMount(datasetCache)]),
        ],
        Memory: memory,
        // The same as memory: no swap, in which a training would crawl instead of failing.
        MemorySwap: memory,
        PidsLimit: config.pidsLimit,
        ...(cpus === undefined ? {} : { NanoCpus: Math.round(Math.min(cpus, engineCpus) * 1e9) }),
        // PyTorch's data loaders hand over batches through shared memory; Docker's 64 MiB are too few for them.
        ShmSize: (resources.shmMb || config.shmMb) * MB,
        IpcMode: 'private',
        // A core file would fill the disk, and hold the token.
        Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
        NetworkMode: config.network === 'job' ? name : config.network,
        // Docker Desktop knows this name by itself; on Linux it is the engine's machine.
        ExtraHosts: ['host.docker.internal:host-gateway'],
        // Without a limit a trainer that prints for ever fills the engine's disk.
        LogConfig: {
          Type: 'json-file',
          Config: { 'max-size': `${Math.floor(config.logMaxMb / 2)}m`, 'max-file': '2' },
        },
        // Retries are ours: another start would be an attempt that nobody counts.
        RestartPolicy: { Name: 'no' },
        // Nothing when no GPU is asked for: an engine without the driver would refuse the start.
        ...(gpus === 0 ? {} : { DeviceRequests: [{ Driver: '', Count: gpus, Capabilities: [['gpu']] }] }),
      },
    },
    files: {
      dir: VOLUME_DIR,
      entries: ownFiles(config.user, request.token, configText),
    },
  }
}

/** A tag could be another image tomorrow. The bare digest names an image that the engine has already. */
function imageOf({ trainer }: LaunchRequest): string {
  if (trainer.type !== 'image') throw new Error('containers run images; a folder needs the subprocess launcher')
  if (!/(^|@)sha256:[0-9a-f]{64}$/.test(trainer.reference))
    throw new Error(`an image must be named by its digest, "name@sha256:…"; seen: "${trainer.reference}"`)
  return trainer.reference
}

function cacheMount(source: string) {
  const mount = { Source: source, Target: CACHE_DIR, ReadOnly: true }
  if (source.startsWith('/')) return { ...mount, Type: 'bind' as const }
  const options = { NoCopy: true, Labels: {}, DriverConfig: { Name: 'local', Options: {} } }
  return { ...mount, Type: 'volume' as const, VolumeOptions: options }
}

const relative = (path: string): string => path.slice(VOLUME_DIR.length + 1)

function ownFiles(user: string, token: string, configText: string | undefined): TarEntry[] {
  const { workDir, tokenFile, configFile } = CONTAINER_PLACES
  return [
    folder(relative(workDir), 0o700, user),
    folder(`${relative(workDir)}/tmp`, 0o700, user),
    folder('secret', 0o500, user),
    file(relative(tokenFile), token, user),
    ...(configText === undefined ? [] : [file(relative(configFile), configText, user)]),
  ]
}

/**
 * Another token in the place of the first. The engine writes a file piece by piece; as a second name of one that is whole
 * already, it is never seen in part.
 */
export function renewedToken(user: string, token: string): Files {
  const name = relative(CONTAINER_PLACES.tokenFile)
  const whole = `${name}.next`
  const link: TarEntry = { header: { name, type: 'link', linkname: whole, size: 0, mode: 0o400, ...owner(user) } }
  return { dir: VOLUME_DIR, entries: [file(whole, token, user), link] }
}

function folder(name: string, mode: number, user: string): TarEntry {
  return { header: { name: `${name}/`, type: 'directory', size: 0, mode, ...owner(user) } }
}

function file(name: string, body: string, user: string): TarEntry {
  return { header: { name, type: 'file', size: Buffer.byteLength(body), mode: 0o400, ...owner(user) }, body }
}

function owner(user: string): { uid: number; gid: number } {
  const [uid = 0, gid = 0] = user.split(':').map(Number)
  return { uid, gid }
}
