import { execFile } from 'node:child_process'
import { existsSync, realpathSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { promisify } from 'node:util'
import { ConfigError, type Logger } from '@trainyard/platform'
import type { SandboxChoice } from './config.ts'

/** What a sandbox is made of on this machine; the same for every attempt. */
export interface Sandbox {
  program: string
  /** Own process ids and /proc, as far as the kernel lets us. */
  processes: readonly string[]
  /** Whether the trainer has process ids of its own: then it is the second process there. */
  ownPids: boolean
  /** Whether it may have a network of its own. */
  ownNetwork: boolean
  /** Folders that trainers find empty, and files that they find empty. */
  hidden: { dirs: readonly string[]; files: readonly string[] }
  /** Within hidden folders, what trainers need all the same. */
  shown: readonly string[]
}

/** The places of one attempt, absolute. */
export interface SandboxPlaces {
  trainerDir: string
  workDir: string
  tmpDir: string
  /** Token and settings. */
  inputDir: string
  datasetCacheDir: string
  toolsDir?: string | undefined
  /** Its network is its own, and leads through the sockets in this folder. */
  gateDir?: string | undefined
  /** What the trainer may write its own folder's files into instead: they lie over those of `trainerDir`. */
  trainerCopy?: { dir: string /** Within `trainerDir`, by name: what is not in the copy. */; shown: readonly string[] }
}

/**
 * The arguments of bubblewrap before the trainer's command. Read-only is everything but the attempt's own folder and a
 * private /tmp on disk.
 */
export function sandboxArgs(sandbox: Sandbox, places: SandboxPlaces): string[] {
  const { hidden, shown, processes } = sandbox
  const isInTrainer = (dir: string) => dir.startsWith(places.trainerDir + sep)
  const hide = (dirs: readonly string[]) => dirs.flatMap((dir) => ['--tmpfs', dir])
  const hideFiles = (files: readonly string[]) => files.flatMap((file) => ['--ro-bind', '/dev/null', file])
  return [
    ...['--ro-bind', '/', '/'],
    ...['--dev', '/dev'],
    // Where there are GPUs; which of them is CUDA_VISIBLE_DEVICES' business.
    ...GPU_FILES.flatMap((file) => ['--dev-bind-try', file, file]),
    ...['--bind', places.tmpDir, '/tmp', '--bind', places.tmpDir, '/var/tmp'],
    ...hide(hidden.dirs),
    ...hideFiles(hidden.files),
    ...shown.flatMap((path) => ['--ro-bind', path, path]),
    ...trainerArgs(places),
    // A trainer's folder may be one in which ours lie.
    ...hide(hidden.dirs.filter(isInTrainer)),
    ...hideFiles(hidden.files.filter(isInTrainer)),
    ...(places.toolsDir === undefined ? [] : ['--ro-bind', places.toolsDir, places.toolsDir]),
    ...(places.gateDir === undefined ? [] : ['--unshare-net', '--ro-bind', places.gateDir, places.gateDir]),
    ...['--ro-bind', places.inputDir, places.inputDir],
    ...['--bind', places.workDir, places.workDir],
    ...['--ro-bind', places.datasetCacheDir, places.datasetCacheDir],
    // Empty folders are no place to fill the memory with.
    ...hidden.dirs.flatMap((dir) => ['--remount-ro', dir]),
    ...processes,
    // As root too: files of others stay theirs, and nothing can be mounted, traced or configured.
    ...['--unshare-ipc', '--cap-drop', 'ALL'],
    // Who ends the launcher's process ends everything within.
    ...['--die-with-parent', '--chdir', places.trainerDir, '--'],
  ]
}

function trainerArgs({ trainerDir, trainerCopy }: SandboxPlaces): string[] {
  if (trainerCopy === undefined) return ['--ro-bind', trainerDir, trainerDir]
  return [
    ...['--bind', trainerCopy.dir, trainerDir],
    ...trainerCopy.shown.flatMap((name) => ['--ro-bind', join(trainerDir, name), join(trainerDir, name)]),
  ]
}

const GPU_FILES = [
  ...Array.from({ length: 16 }, (_, index) => `/dev/nvidia${index}`),
  ...['/dev/nvidiactl', '/dev/nvidia-uvm', '/dev/nvidia-uvm-tools', '/dev/nvidia-modeset', '/dev/nvidia-caps'],
  ...['/dev/kfd', '/dev/dri'],
]

/** Read-only: root needs no capability for /proc/sys, where it could name a program that the kernel runs as root. */
const OWN_PROCESSES = ['--unshare-pid', '--proc', '/proc', '--remount-ro', '/proc']
const OWN_NETWORK = '--unshare-net'

/** From the best to what is still better than nothing. With user namespaces of its own, a trainer reaches more of the kernel. */
const LEVELS = [
  { args: ['--unshare-user', '--disable-userns', ...OWN_PROCESSES], ownPids: true },
  { args: ['--unshare-user', ...OWN_PROCESSES], ownPids: true },
  { args: OWN_PROCESSES, ownPids: true },
  { args: ['--unshare-user', '--ro-bind', '/proc', '/proc'], ownPids: false },
  { args: ['--ro-bind', '/proc', '/proc'], ownPids: false },
]

export interface FindSandboxOptions {
  choice: SandboxChoice
  /** The runner's own folders. */
  dataDirs: readonly string[]
  logger: Pick<Logger, 'info' | 'warn'>
  /** Default: `bwrap`, as PATH finds it. */
  program?: string
  /** Whether all of the home folder is hidden, and not only where people usually keep keys. Default: false. */
  hideHome?: boolean
}

/** Tries what this kernel lets this user do. Undefined: trainers run without, and the log says why. */
export async function findSandbox(options: FindSandboxOptions): Promise<Sandbox | undefined> {
  const { choice, logger, program = 'bwrap' } = options
  if (choice === 'none') return undefined
  let why = 'it exists on Linux only'
  if (process.platform === 'linux') {
    for (const { args, ownPids } of LEVELS) {
      why = await tryLevel(program, args)
      if (why !== '') continue
      if (!ownPids)
        logger.warn('bubblewrap may not make process ids of its own here: trainers see the processes of this machine')
      const ownNetwork = (await tryLevel(program, [...args, OWN_NETWORK])) === ''
      logger.info({ ownPids, ownNetwork }, 'trainers run in bubblewrap')
      const hidden = hiddenPlaces(options.dataDirs, options.hideHome ?? false)
      return { program, processes: args, ownPids, ownNetwork, hidden, shown: shownPlaces() }
    }
  }
  const sentence = `bubblewrap cannot be used here: ${why}`
  if (choice === 'bubblewrap')
    throw new ConfigError(
      `SUBPROCESS_SANDBOX is "bubblewrap", and ${sentence}. Install it, allow user namespaces, or choose "auto" or "none"`,
    )
  logger.warn(
    `${sentence}. Trainers run without a sandbox, and can do what this user can: run only those that you trust`,
  )
  return undefined
}

async function tryLevel(program: string, args: readonly string[]): Promise<string> {
  try {
    const sandbox = ['--ro-bind', '/', '/', '--dev', '/dev', ...args, '--unshare-ipc', '--cap-drop', 'ALL']
    await promisify(execFile)(program, [...sandbox, '--die-with-parent', '--', '/bin/sh', '-c', ':'], {
      timeout: 10_000,
    })
    return ''
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return `there is no program "${program}"`
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    return said === '' ? String(error) : said
  }
}

/** Sockets of services, and what root can read: their data, keys, and settings with passwords. */
const SYSTEM_SECRETS = [
  ...['/run', '/etc/shadow', '/etc/gshadow', '/etc/sudoers', '/etc/sudoers.d', '/etc/ssh', '/etc/ssl/private'],
  ...['/etc/kubernetes', '/etc/docker', '/etc/rancher', '/etc/NetworkManager/system-connections', '/etc/wireguard'],
  ...['/var/lib/docker', '/var/lib/containerd', '/var/lib/containers', '/var/lib/kubelet', '/var/lib/postgresql'],
  ...['/var/lib/mysql', '/var/lib/redis', '/var/lib/sss', '/var/spool', '/var/log', '/var/backups'],
  ...['/lost+found', '/boot'],
]

/** Keys, passwords, histories of shells, and browsers' sessions. */
const HOME_SECRETS = [
  ...['.ssh', '.aws', '.gnupg', '.config', '.docker', '.kube', '.azure', '.netrc', '.npmrc', '.pgpass', '.my.cnf'],
  ...['.git-credentials', '.gitconfig', '.pypirc', '.cargo/credentials', '.cargo/credentials.toml', '.vault-token'],
  ...[
    '.terraform.d',
    '.oci',
    '.boto',
    '.s3cfg',
    '.kaggle',
    '.huggingface',
    '.cache/huggingface/token',
    '.password-store',
  ],
  ...['.mozilla', '.thunderbird', '.local/share/keyrings', '.var', 'snap', '.pki', '.cache/trainyard', '.trainyard'],
  ...[
    '.bash_history',
    '.zsh_history',
    '.python_history',
    '.node_repl_history',
    '.psql_history',
    '.lesshst',
    '.viminfo',
  ],
]

/** The runner's folders, sockets of services of this machine, and where people keep their keys. */
function hiddenPlaces(dataDirs: readonly string[], hideHome: boolean): Sandbox['hidden'] {
  const home = homedir()
  const candidates = [
    ...dataDirs.map((dir) => resolve(dir)),
    ...SYSTEM_SECRETS,
    ...(hideHome ? [home] : HOME_SECRETS.map((name) => join(home, name))),
  ]
  const there = candidates.flatMap((path) => {
    const stats = statSync(path, { throwIfNoEntry: false })
    return stats === undefined ? [] : [{ path: realpathSync(path), isDir: stats.isDirectory() }]
  })
  return outermost({
    dirs: there.filter(({ isDir }) => isDir).map(({ path }) => path),
    files: there.filter(({ isDir }) => !isDir).map(({ path }) => path),
  })
}

/** Without what another one hides already: below an empty folder there is nothing left to be covered. */
export function outermost({ dirs, files }: Sandbox['hidden']): Sandbox['hidden'] {
  const isCovered = (path: string) => dirs.some((dir) => path.startsWith(dir === sep ? dir : dir + sep) && path !== dir)
  return {
    dirs: [...new Set(dirs)].filter((dir) => !isCovered(dir)),
    files: files.filter((file) => !isCovered(file)),
  }
}

/** Names of hosts are looked up through these; our Node and the SDK may lie in a folder that is hidden or covered by /tmp. */
function shownPlaces(): string[] {
  const runtime = [
    '/run/systemd/resolve',
    '/run/resolvconf',
    '/run/NetworkManager',
    '/run/nscd',
    '/run/nvidia-persistenced',
  ]
  const node = dirname(dirname(realpathSync(process.execPath)))
  const covered = node === '/' || node === '/usr' ? [] : [node]
  return [...runtime, ...covered, ...sdkPlaces()].filter((path) => existsSync(path))
}

/** Our SDK, which trainers in other languages are started through, and all that it may import. */
function sdkPlaces(): string[] {
  const contract = realpathSync(createRequire(import.meta.url).resolve('@trainyard/contract'))
  const source = dirname(dirname(contract))
  const places = [source, join(dirname(source), 'package.json')]
  for (let dir = dirname(source); dirname(dir) !== dir; dir = dirname(dir))
    places.push(basename(dir) === 'node_modules' ? dir : join(dir, 'node_modules'))
  return [...new Set(places)]
}
