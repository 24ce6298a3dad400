import { join, sep } from 'node:path'

/** The sandbox that this machine supports. It is the same for every attempt. */
export interface Sandbox {
  program: string
  /** Arguments for process ids and /proc of its own, as far as the kernel allows them. */
  processes: readonly string[]
  /** Whether the trainer has process ids of its own. It is process 2 then. */
  ownPids: boolean
  /** Whether a network of its own is possible. */
  ownNetwork: boolean
  /** Folders and files that appear empty to trainers. */
  hidden: { dirs: readonly string[]; files: readonly string[] }
  /** Paths in hidden folders that trainers need. */
  shown: readonly string[]
}

/** The paths of one attempt, absolute. */
export interface SandboxPaths {
  trainerDir: string
  workDir: string
  tmpDir: string
  /** Token and configuration. */
  inputDir: string
  datasetCacheDir: string
  toolsDir?: string | undefined
  /** The folder of sockets through which a network of its own leads out. Undefined: the machine's network. */
  gatewayDir?: string | undefined
  trainerCopy?: TrainerCopy | undefined
}

/** A writable copy of the trainer's folder, mounted in its place. */
export interface TrainerCopy {
  dir: string
  /** Entries of the original folder that are not in the copy. They are mounted read-only. */
  shown: readonly string[]
}

const GPU_FILES = [
  ...Array.from({ length: 16 }, (_, index) => `/dev/nvidia${index}`),
  '/dev/nvidiactl',
  '/dev/nvidia-uvm',
  '/dev/nvidia-uvm-tools',
  '/dev/nvidia-modeset',
  '/dev/nvidia-caps',
  '/dev/kfd',
  '/dev/dri',
]

/**
 * The arguments of bubblewrap before the trainer's command. Everything is read-only, except the attempt's own folder and a
 * private /tmp on disk.
 */
export function sandboxArgs(sandbox: Sandbox, paths: SandboxPaths): string[] {
  const { hidden, shown, processes } = sandbox
  const { tmpDir, inputDir, workDir, datasetCacheDir, toolsDir, gatewayDir } = paths
  const isInTrainer = (path: string) => path.startsWith(paths.trainerDir + sep)
  const readOnly = (path: string) => ['--ro-bind', path, path]
  const hideDir = (dir: string) => ['--tmpfs', dir]
  const hideFile = (file: string) => ['--ro-bind', '/dev/null', file]
  return [
    ...readOnly('/'),
    ...['--dev', '/dev'],
    // All GPUs that exist. CUDA_VISIBLE_DEVICES selects among them.
    ...GPU_FILES.flatMap((file) => ['--dev-bind-try', file, file]),
    ...['--bind', tmpDir, '/tmp', '--bind', tmpDir, '/var/tmp'],
    ...hidden.dirs.flatMap(hideDir),
    ...hidden.files.flatMap(hideFile),
    ...shown.flatMap(readOnly),
    ...trainerArgs(paths),
    // The trainer's folder can contain hidden paths.
    ...hidden.dirs.filter(isInTrainer).flatMap(hideDir),
    ...hidden.files.filter(isInTrainer).flatMap(hideFile),
    ...(toolsDir === undefined ? [] : readOnly(toolsDir)),
    ...(gatewayDir === undefined ? [] : ['--unshare-net', ...readOnly(gatewayDir)]),
    ...readOnly(inputDir),
    ...['--bind', workDir, workDir],
    ...readOnly(datasetCacheDir),
    // A writable tmpfs could be used to fill the memory.
    ...hidden.dirs.flatMap((dir) => ['--remount-ro', dir]),
    ...processes,
    // Even as root, a trainer cannot access other users' files, mount, trace or change settings.
    ...['--unshare-ipc', '--cap-drop', 'ALL'],
    // When the launcher's process is killed, everything in the sandbox ends.
    ...['--die-with-parent', '--chdir', paths.trainerDir, '--'],
  ]
}

function trainerArgs({ trainerDir, trainerCopy }: SandboxPaths): string[] {
  if (trainerCopy === undefined) return ['--ro-bind', trainerDir, trainerDir]
  const original = (name: string) => join(trainerDir, name)
  return [
    ...['--bind', trainerCopy.dir, trainerDir],
    ...trainerCopy.shown.flatMap((name) => ['--ro-bind', original(name), original(name)]),
  ]
}
