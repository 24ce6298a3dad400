import type { TarEntry } from 'modern-tar'
import { BRIDGE_DIR } from '../bridge/bridge-contents.ts'
import { CONTAINER_PATHS, containerEnvironment } from '../container-environment.ts'
import type { AttemptRef, LaunchRequest } from '../launcher.ts'
import { programOf } from '../program-of.ts'
import type { BridgeVolume } from './bridge-volume.ts'
import type { DockerConfig } from './config.ts'
import type { NetworkSpec } from './engine-client.ts'
import { attemptLabels, attemptName } from './names.ts'

const DISK_BYTES = 'dev.trainyard.disk-bytes'

/** Mount point of the attempt's volume, which holds its work folder and its secrets. */
const VOLUME_DIR = '/trainyard'
/** Mount point of the dataset cache that the runner fills for all jobs. */
const CACHE_DIR = `${VOLUME_DIR}/datasets`
const MB = 1024 ** 2

export interface DockerSpecOptions {
  config: DockerConfig
  /** Identifies the runner's database. */
  instanceId: string
  datasetCacheMaxGb: number
  /** The runner's dataset cache, as the engine knows it: a volume or a folder. Undefined: each job has a cache of its own. */
  datasetCache?: string | undefined
  /** For programs that run behind the bridge. Undefined: the bridge is that of the image. */
  bridge?: BridgeVolume | undefined
  /** How many cores the engine has. It refuses a limit above that. */
  engineCpus: number
  /** Set where a trainer is judged. */
  watch?: ContainerWatch | undefined
}

/** What a judge of a trainer sees of its container. */
export interface ContainerWatch {
  /** Folders of this machine that the trainer sees, writable, at these paths. */
  folders: readonly { path: string; dir: string }[]
  /** The only name server. */
  nameServer: string
  /** Whether the trainer can change the dataset cache, so that an attempt is seen. */
  cacheIsWritable: boolean
}

/** How much a container may write into its volume. It is a label, so that every runner can read it. */
export function diskLimitOf(labels: Readonly<Record<string, string>>): number | undefined {
  const bytes = Number(labels[DISK_BYTES])
  return bytes > 0 ? bytes : undefined
}

/** A network for one job only. It has access to the outside, because the trainer must reach the platform and its storage. */
export function networkSpec(ref: AttemptRef, options: DockerSpecOptions, subnet: string): NetworkSpec {
  return {
    Name: attemptName(ref, options.instanceId),
    Driver: 'bridge',
    CheckDuplicate: true,
    IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] },
    Labels: attemptLabels(ref, options.instanceId),
  }
}

/** Folders and files to unpack in a folder of the container. */
export interface Files {
  dir: string
  entries: TarEntry[]
}

export type ContainerSpec = ReturnType<typeof containerSpec>

/** Builds the container of an attempt. */
export function containerSpec(request: LaunchRequest, options: DockerSpecOptions) {
  const { config, instanceId, datasetCacheMaxGb, datasetCache } = options
  const { workDir } = CONTAINER_PATHS
  const [program = '', ...args] = programOf(request, options.bridge?.command)
  const { env, configText } = containerEnvironment(request, {
    datasetCacheDir: datasetCache === undefined ? `${workDir}/datasets` : CACHE_DIR,
    datasetCacheMaxGb,
    isCacheFilledByRunner: datasetCache !== undefined,
    // On disk, because files in /tmp count towards the job's memory.
    tmpDir: `${workDir}/tmp`,
  })
  return {
    create: {
      name: attemptName(request, instanceId),
      Image: imageOf(request),
      // The image's own entry point would be put in front of the manifest's command.
      Entrypoint: [program],
      Cmd: args,
      // The engine adds the image's variables, such as PATH. Those here take precedence.
      Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
      Labels: containerLabels(request, options),
      // Numeric, so that no passwd of the image can make it root.
      User: config.user,
      // Nothing reads the result of an image's health check.
      Healthcheck: { Test: ['NONE'] },
      StopSignal: 'SIGTERM',
      HostConfig: hostConfig(request, options),
    },
    /** To be put into the container before its start. */
    files: { dir: VOLUME_DIR, entries: attemptFiles(config.user, request.token, configText) } satisfies Files,
  }
}

function containerLabels(request: LaunchRequest, { instanceId, config }: DockerSpecOptions): Record<string, string> {
  const labels = attemptLabels(request, instanceId)
  const diskGb = request.resources.diskGb ?? config.diskGb
  if (diskGb !== undefined) labels[DISK_BYTES] = String(Math.ceil(diskGb * 1024 ** 3))
  return labels
}

function hostConfig(request: LaunchRequest, options: DockerSpecOptions) {
  const { config, instanceId, datasetCache, engineCpus, bridge, watch } = options
  const { resources } = request
  const name = attemptName(request, instanceId)
  const memory = (resources.memoryMb ?? config.memoryMb) * MB
  const cpus = resources.cpu ?? config.cpus
  const gpus = resources.gpu ?? 0
  return {
    // A small init as process 1 gives signals their usual effect and reaps zombies.
    Init: true,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges:true'],
    ReadonlyRootfs: true,
    Tmpfs: watch?.folders.some(({ path }) => path === '/tmp')
      ? undefined
      : { '/tmp': `rw,nosuid,nodev,size=${config.tmpMb * MB},mode=1777` },
    Dns: watch && [watch.nameServer],
    Mounts: [
      {
        Type: 'volume',
        Source: name,
        Target: VOLUME_DIR,
        VolumeOptions: volumeOptions(attemptLabels(request, instanceId)),
      },
      ...(datasetCache === undefined ? [] : [cacheMount(datasetCache, watch?.cacheIsWritable === true)]),
      ...(watch?.folders ?? []).map(({ path, dir }) => ({ Type: 'bind' as const, Source: dir, Target: path })),
      ...(request.bridge === undefined || bridge === undefined ? [] : [bridgeMount(bridge)]),
    ],
    Memory: memory,
    // Equal to the memory limit: no swap, in which a training would slow down instead of failing.
    MemorySwap: memory,
    PidsLimit: config.pidsLimit,
    NanoCpus: cpus === undefined ? undefined : Math.round(Math.min(cpus, engineCpus) * 1e9),
    // PyTorch's data loaders pass batches through shared memory, and Docker's default of 64 MiB is too small for that.
    ShmSize: (resources.shmMb || config.shmMb) * MB,
    IpcMode: 'private',
    // A core file would fill the disk and contain the token.
    Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
    NetworkMode: config.network === 'job' ? name : config.network,
    // Docker Desktop resolves this name without help. On Linux the entry points to the engine's machine.
    ExtraHosts: ['host.docker.internal:host-gateway'],
    // Without a limit, a trainer's output can fill the engine's disk.
    LogConfig: {
      Type: 'json-file',
      Config: { 'max-size': `${Math.floor(config.logMaxMb / 2)}m`, 'max-file': '2' },
    },
    // The runner retries attempts. A restart by the engine would not be counted.
    RestartPolicy: { Name: 'no' },
    // Undefined when no GPU is requested: an engine without the driver would refuse to start the container.
    DeviceRequests: gpus === 0 ? undefined : [{ Driver: '', Count: gpus, Capabilities: [['gpu']] }],
  }
}

/** The image, which must be named by digest because a tag can be moved. A digest without a name is a local image. */
export function imageOf({ trainer }: LaunchRequest): string {
  if (trainer.type !== 'image') throw new Error('expected an image, got a folder: containers run images only')
  if (!/(^|@)sha256:[0-9a-f]{64}$/.test(trainer.reference))
    throw new Error(`expected an image by digest ("name@sha256:…"), got "${trainer.reference}"`)
  return trainer.reference
}

function cacheMount(source: string, isWritable: boolean) {
  const mount = { Source: source, Target: CACHE_DIR, ReadOnly: !isWritable }
  if (source.startsWith('/')) return { ...mount, Type: 'bind' as const }
  return { ...mount, Type: 'volume' as const, VolumeOptions: volumeOptions({}) }
}

function bridgeMount({ name }: BridgeVolume) {
  return { Type: 'volume' as const, Source: name, Target: BRIDGE_DIR, ReadOnly: true, VolumeOptions: volumeOptions({}) }
}

/** NoCopy: the engine would copy what the image has at this path into a new volume. */
function volumeOptions(labels: Record<string, string>) {
  return { NoCopy: true, Labels: labels, DriverConfig: { Name: 'local', Options: {} } }
}

const relative = (path: string): string => path.slice(VOLUME_DIR.length + 1)

function attemptFiles(user: string, token: string, configText: string | undefined): TarEntry[] {
  const { workDir, tokenFile, configFile } = CONTAINER_PATHS
  const entries = [
    folder(relative(workDir), 0o700, user),
    folder(`${relative(workDir)}/tmp`, 0o700, user),
    folder('secret', 0o500, user),
    file(relative(tokenFile), token, user),
  ]
  if (configText !== undefined) entries.push(file(relative(configFile), configText, user))
  return entries
}

/**
 * The files that replace the token. The engine unpacks a file piece by piece, so the new token gets another name first and
 * then a hard link with the final name: readers never see a part of it.
 */
export function renewedToken(user: string, token: string): Files {
  const name = relative(CONTAINER_PATHS.tokenFile)
  const next = `${name}.next`
  const link: TarEntry = { header: { name, type: 'link', linkname: next, size: 0, mode: 0o400, ...owner(user) } }
  return { dir: VOLUME_DIR, entries: [file(next, token, user), link] }
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
