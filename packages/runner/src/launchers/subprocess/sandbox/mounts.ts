import { join, sep } from 'node:path'

/** One step of building the files that a trainer sees. All paths are absolute. */
export type Mount =
  | { type: 'bind'; from: string; to: string; isWritable: boolean }
  | { type: 'symlink'; path: string; target: string }
  /** Hides a folder in a folder that is shown. */
  | { type: 'empty'; path: string }

/** The system's files that every trainer of this machine sees, read-only. Nothing else of the machine exists for it. */
export interface SystemView {
  /** In the order in which they are mounted. */
  mounts: readonly Mount[]
  /** Device files, as far as they exist. */
  devices: readonly string[]
  /** The platform's own folders. They stay hidden if they are in a folder that is shown. */
  hidden: readonly string[]
}

/** The paths of one attempt, absolute. */
export interface SandboxPaths {
  trainerDir: string
  workDir: string
  /** Where the work folder is in the sandbox. Default: at its own path. */
  workMount?: string | undefined
  tmpDir: string
  /** Token and configuration. */
  inputDir: string
  /** Undefined for a build. */
  datasetCacheDir?: string | undefined
  toolsDir?: string | undefined
  /** The folder of sockets through which a network of its own leads out. Undefined: the machine's network. */
  gatewayDir?: string | undefined
  trainerCopy?: TrainerCopy | undefined
  elsewhere?: readonly Elsewhere[] | undefined
  /** Default: the trainer reads the cache only. */
  datasetCacheIsWritable?: boolean | undefined
  /** Shown in addition: the Python environment and the folder of its Python. */
  readPaths?: readonly string[] | undefined
}

/** A writable copy of the trainer's folder, mounted in its place. */
export interface TrainerCopy {
  dir: string
  /** Entries of the original folder that are not in the copy. They are mounted read-only. */
  shown: readonly string[]
}

/** A folder outside of the work folder that a trainer can write to, so that what it writes there can be seen. */
export interface Elsewhere {
  /** Where the trainer sees it. */
  path: string
  /** On this machine. */
  dir: string
}

export interface MountPlan {
  /** Mounted first. */
  system: readonly Mount[]
  /** The attempt's own, mounted afterwards, in this order. */
  own: readonly Mount[]
}

const show = (path: string): Mount => ({ type: 'bind', from: path, to: path, isWritable: false })
const write = (from: string, to: string): Mount => ({ type: 'bind', from, to, isWritable: true })

/** The paths that no shown folder, and no other of the paths, has in it. A mount below another would be hidden by it. */
function outermost(paths: readonly string[], shown: readonly string[]): string[] {
  const isIn = (path: string, folder: string) => path.startsWith(folder + sep)
  const unique = [...new Set(paths)].filter((path) => !shown.includes(path))
  return unique.filter((path) => ![...shown, ...unique].some((folder) => isIn(path, folder)))
}

/**
 * Plans the files of an attempt: an allow-list, the same for every sandbox. A folder that is not listed does not exist for the
 * trainer.
 */
export function planMounts(system: SystemView, paths: SandboxPaths): MountPlan {
  const {
    trainerDir,
    tmpDir,
    inputDir,
    workDir,
    workMount = workDir,
    datasetCacheDir,
    toolsDir,
    gatewayDir,
    trainerCopy,
    elsewhere = [],
    datasetCacheIsWritable = false,
    readPaths = [],
  } = paths
  const shown = [...system.mounts.flatMap((mount) => (mount.type === 'bind' ? [mount.to] : [])), trainerDir]
  const empty = system.hidden
    .filter((dir) => shown.some((folder) => dir.startsWith(folder + sep)))
    .map((path): Mount => ({ type: 'empty', path }))
  // A platform's folder can contain the trainer, and the trainer's folder can contain the platform's.
  const isAbove = (mount: Mount) => mount.type === 'empty' && trainerDir.startsWith(mount.path + sep)
  const writable = ['/tmp', '/var/tmp', ...elsewhere.map(({ path }) => path)]
  const isInWritable = (mount: Mount) => {
    const path = mount.type === 'bind' ? mount.to : mount.path
    return writable.some((dir) => path.startsWith(dir + sep))
  }
  const read = [toolsDir, gatewayDir, inputDir, datasetCacheDir].filter((path) => path !== undefined)
  return {
    system: system.mounts.filter((mount) => !isInWritable(mount)),
    own: [
      // Before everything that is shown in them.
      ...['/tmp', '/var/tmp']
        .filter((path) => elsewhere.every((other) => other.path !== path))
        .map((path) => write(tmpDir, path)),
      ...elsewhere.map(({ path, dir }) => write(dir, path)),
      ...system.mounts.filter(isInWritable),
      ...empty.filter(isAbove),
      trainerCopy === undefined ? show(trainerDir) : write(trainerCopy.dir, trainerDir),
      ...(trainerCopy?.shown ?? []).map((name) => show(join(trainerDir, name))),
      ...empty.filter((mount) => !isAbove(mount)),
      ...read.map((path) => (path === datasetCacheDir && datasetCacheIsWritable ? write(path, path) : show(path))),
      ...outermost(readPaths, shown).map(show),
      write(workDir, workMount),
    ],
  }
}
