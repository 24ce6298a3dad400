import { existsSync, lstatSync, readdirSync, readlinkSync, realpathSync } from 'node:fs'
import { dirname, resolve, sep } from 'node:path'
import type { Mount, SystemView } from './mounts.ts'
import { sdkMounts } from './sdk-mounts.ts'

/** Programs and libraries. */
const SYSTEM_FOLDERS = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  // NixOS and Guix.
  '/nix/store',
  '/gnu/store',
  '/run/current-system',
]

/** What programs read of the machine's settings. No passwords and no keys. */
const SETTINGS = [
  '/etc/alternatives',
  '/etc/ca-certificates',
  '/etc/ca-certificates.conf',
  '/etc/fonts',
  '/etc/gai.conf',
  '/etc/group',
  '/etc/host.conf',
  '/etc/hosts',
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/ld-musl-x86_64.path',
  '/etc/ld-musl-aarch64.path',
  '/etc/localtime',
  '/etc/magic',
  '/etc/mime.types',
  '/etc/nsswitch.conf',
  '/etc/passwd',
  '/etc/pki/ca-trust/extracted',
  '/etc/pki/tls/cert.pem',
  '/etc/pki/tls/certs',
  '/etc/pki/tls/openssl.cnf',
  '/etc/protocols',
  '/etc/resolv.conf',
  '/etc/services',
  '/etc/ssl/cert.pem',
  '/etc/ssl/certs',
  '/etc/ssl/openssl.cnf',
  '/etc/timezone',
  '/etc/OpenCL',
  '/etc/vulkan',
]

/** Programs count processors there. */
const HARDWARE = ['/sys/devices/system']
/** The drivers of GPUs read these. */
const GPU_PATHS = ['/sys/bus/pci', '/sys/class', '/sys/dev', '/sys/devices', '/sys/module', '/run/nvidia-persistenced']

const GPU_DEVICES = [
  ...Array.from({ length: 16 }, (_, index) => `/dev/nvidia${index}`),
  '/dev/nvidiactl',
  '/dev/nvidia-uvm',
  '/dev/nvidia-uvm-tools',
  '/dev/nvidia-modeset',
  '/dev/nvidia-caps',
  '/dev/kfd',
  '/dev/dri',
]

export interface SystemViewOptions {
  /** The platform's own folders. */
  dataDirs: readonly string[]
  /** Folders that the operator adds: `SUBPROCESS_READ_PATHS`. */
  readPaths?: readonly string[] | undefined
}

/** Reads which of the allowed paths exist on this machine. */
export function readSystemView({ dataDirs, readPaths = [] }: SystemViewOptions): SystemView {
  const devices = GPU_DEVICES.filter((path) => existsSync(path)).flatMap(deviceFiles)
  const isNodeElsewhere = !realpathSync(process.execPath).startsWith('/usr/')
  const folders = [
    ...SYSTEM_FOLDERS,
    ...(isNodeElsewhere ? [nodePrefix()] : []),
    ...SETTINGS,
    ...HARDWARE,
    ...(devices.length === 0 ? [] : GPU_PATHS),
    ...readPaths.map((path) => resolve(path)),
  ]
  const mounts = folders.flatMap(showPath)
  return { mounts: outermost([...mounts, ...sdkMounts()]), devices, hidden: dataDirs.map(realOrSame) }
}

/** The folder of this Node with its libraries, or the program alone if it lies among other things. */
function nodePrefix(): string {
  const program = realpathSync(process.execPath)
  const folder = dirname(program)
  return folder.endsWith(`${sep}bin`) && existsSync(`${dirname(folder)}/include/node`) ? dirname(folder) : program
}

/** A link stays a link, where its target is shown too. Otherwise its target is shown at its place. */
function showPath(path: string): Mount[] {
  const info = lstatSync(path, { throwIfNoEntry: false })
  if (info === undefined || !existsSync(path)) return []
  const isSystemLink = info.isSymbolicLink() && SYSTEM_FOLDERS.includes(path)
  if (isSystemLink) return [{ type: 'symlink', path, target: readlinkSync(path) }]
  return [{ type: 'bind', from: realpathSync(path), to: path, isWritable: false }]
}

/** Drops paths in folders that are shown anyway. */
function outermost(mounts: readonly Mount[]): Mount[] {
  const folders = mounts.flatMap((mount) => (mount.type === 'bind' && mount.from === mount.to ? [mount.to] : []))
  const placeOf = (mount: Mount) => (mount.type === 'bind' ? mount.to : mount.path)
  const seen = new Set<string>()
  return mounts.filter((mount) => {
    const place = placeOf(mount)
    if (seen.has(place) || folders.some((folder) => place.startsWith(folder + sep))) return false
    seen.add(place)
    return true
  })
}

/** Device files can be bound one by one only. */
function deviceFiles(path: string): string[] {
  if (!lstatSync(path).isDirectory()) return [path]
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isCharacterDevice())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
}

function realOrSame(path: string): string {
  const absolute = resolve(path)
  return existsSync(absolute) ? realpathSync(absolute) : absolute
}
