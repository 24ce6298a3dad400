import { existsSync, realpathSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { outermost } from './outermost.ts'
import type { Sandbox } from './sandbox.ts'

/** Sockets of services, and what root can read: data of services, keys, and settings with passwords. */
const SYSTEM_SECRETS = [
  '/run',
  '/etc/shadow',
  '/etc/gshadow',
  '/etc/sudoers',
  '/etc/sudoers.d',
  '/etc/ssh',
  '/etc/ssl/private',
  '/etc/kubernetes',
  '/etc/docker',
  '/etc/rancher',
  '/etc/NetworkManager/system-connections',
  '/etc/wireguard',
  '/var/lib/docker',
  '/var/lib/containerd',
  '/var/lib/containers',
  '/var/lib/kubelet',
  '/var/lib/postgresql',
  '/var/lib/mysql',
  '/var/lib/redis',
  '/var/lib/sss',
  '/var/spool',
  '/var/log',
  '/var/backups',
  '/lost+found',
  '/boot',
]

/** Keys, passwords, shell histories and browser sessions. */
const HOME_SECRETS = [
  '.ssh',
  '.aws',
  '.gnupg',
  '.config',
  '.docker',
  '.kube',
  '.azure',
  '.netrc',
  '.npmrc',
  '.pgpass',
  '.my.cnf',
  '.git-credentials',
  '.gitconfig',
  '.pypirc',
  '.cargo/credentials',
  '.cargo/credentials.toml',
  '.vault-token',
  '.terraform.d',
  '.oci',
  '.boto',
  '.s3cfg',
  '.kaggle',
  '.huggingface',
  '.cache/huggingface/token',
  '.password-store',
  '.mozilla',
  '.thunderbird',
  '.local/share/keyrings',
  '.var',
  'snap',
  '.pki',
  '.cache/trainyard',
  '.trainyard',
  '.bash_history',
  '.zsh_history',
  '.python_history',
  '.node_repl_history',
  '.psql_history',
  '.lesshst',
  '.viminfo',
]

/** For name resolution and GPUs. */
const NEEDED_IN_RUN = [
  '/run/systemd/resolve',
  '/run/resolvconf',
  '/run/NetworkManager',
  '/run/nscd',
  '/run/nvidia-persistenced',
]

/** The runner's folders, sockets of services, and the usual places of keys, as far as they exist. */
export function hiddenPaths(dataDirs: readonly string[], hideHome: boolean): Sandbox['hidden'] {
  const home = homedir()
  const candidates = [
    ...dataDirs.map((dir) => resolve(dir)),
    ...SYSTEM_SECRETS,
    ...(hideHome ? [home] : HOME_SECRETS.map((name) => join(home, name))),
  ]
  const existing = candidates.flatMap((path) => {
    const stats = statSync(path, { throwIfNoEntry: false })
    return stats === undefined ? [] : [{ path: realpathSync(path), isDir: stats.isDirectory() }]
  })
  return outermost({
    dirs: existing.filter(({ isDir }) => isDir).map(({ path }) => path),
    files: existing.filter(({ isDir }) => !isDir).map(({ path }) => path),
  })
}

/** Paths that trainers need and that can be in a hidden folder or below /tmp. */
export function shownPaths(): string[] {
  const node = dirname(dirname(realpathSync(process.execPath)))
  const nodeDirs = node === '/' || node === '/usr' ? [] : [node]
  return [...NEEDED_IN_RUN, ...nodeDirs, ...sdkPaths()].filter((path) => existsSync(path))
}

/** The SDK, through which trainers in other languages are started, and everything that it can import. */
function sdkPaths(): string[] {
  const contract = realpathSync(createRequire(import.meta.url).resolve('@trainyard/contract'))
  const source = dirname(dirname(contract))
  const paths = [source, join(dirname(source), 'package.json')]
  for (let dir = dirname(source); dirname(dir) !== dir; dir = dirname(dir))
    paths.push(basename(dir) === 'node_modules' ? dir : join(dir, 'node_modules'))
  return [...new Set(paths)]
}
