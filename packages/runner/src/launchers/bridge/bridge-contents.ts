import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { z } from 'zod'
import { sdkMounts } from '../subprocess/sandbox/sdk-mounts.ts'

/** Where a container has the bridge. */
export const BRIDGE_DIR = '/trainyard-bridge'
/** Starts the bridge there, whatever machine it comes from. Published packages have nothing under the condition. */
export const BRIDGE_COMMAND: readonly string[] = [
  `${BRIDGE_DIR}/loader`,
  '--library-path',
  `${BRIDGE_DIR}/lib`,
  `${BRIDGE_DIR}/node`,
  '--conditions=trainyard-source',
  `${BRIDGE_DIR}/main`,
]

/**
 * The bridge as files that need nothing of the image in which they run: this Node, the libraries that it is linked with and their
 * loader, and the packages of `trainyard exec`. So it runs in images with glibc of any version, with musl, and with no library at all.
 */
export interface BridgeContents {
  /** Changes with the content. */
  id: string
  files: readonly { path: string; from: string }[]
  links: readonly { path: string; target: string }[]
}

const LoadedLibraries = z.object({ sharedObjects: z.array(z.string()) })
const LOADER = /^ld-(?:linux|musl).*\.so\.\d+$/
const LIBRARY = /^lib[\w+-]+\.so(?:\.\d+)*$/
/** Of the packages, only what Node reads. */
const UNUSED = /\.(?:map|md|d\.[cm]?ts|test\.ts)$|(?:^|\/)LICENSE/i

/** Reads what the bridge consists of on this machine. Throws when its Node cannot run elsewhere. */
export function readBridgeContents(): BridgeContents {
  if (process.platform !== 'linux')
    throw new Error(
      `"bridge" in trainer.json needs a runner on Linux, because containers run a copy of its Node; this one is on ${process.platform}. Install the npm package trainyard in the image, and write "trainyard", "exec", "--" in front of the program instead`,
    )
  const libraries = loadedLibraries()
  const loader = libraries.find((file) => LOADER.test(basename(file)))
  const entry = realpathSync(createRequire(import.meta.url).resolve('@trainyard/sdk/exec'))
  const isSource = entry.endsWith('.ts')
  const { files, links } = packages()
  const main = `app${join(dirname(entry), isSource ? 'main.ts' : 'main.js')}`
  if (loader === undefined)
    throw new Error(
      `"bridge" in trainer.json needs a Node that is linked dynamically, as official builds are; ${process.execPath} is static`,
    )
  return {
    id: idOf(files),
    files: [
      { path: 'node', from: process.execPath },
      ...libraries.map((file) => ({ path: `lib/${basename(file)}`, from: file })),
      ...files,
    ],
    links: [...links, { path: 'loader', target: `lib/${basename(loader)}` }, { path: 'main', target: main }],
  }
}

function loadedLibraries(): string[] {
  const report: NodeJS.ProcessReport & { excludeNetwork?: boolean } = process.report
  const { excludeNetwork = false } = report
  // Otherwise the report looks up the names of all addresses.
  report.excludeNetwork = true
  try {
    const { sharedObjects } = LoadedLibraries.parse(report.getReport())
    return sharedObjects.filter(
      (file) => file.startsWith('/') && (LOADER.test(basename(file)) || LIBRARY.test(basename(file))),
    )
  } finally {
    report.excludeNetwork = excludeNetwork
  }
}

/** The packages at their paths of this machine below `app`, so that Node finds them as here. */
function packages(): Pick<BridgeContents, 'files' | 'links'> {
  const files: { path: string; from: string }[] = []
  const links: { path: string; target: string }[] = []
  for (const mount of sdkMounts()) {
    if (mount.type === 'symlink')
      links.push({ path: `app${mount.path}`, target: relative(dirname(mount.path), mount.target) })
    if (mount.type === 'bind') files.push(...packageFiles(mount.from).map((from) => ({ path: `app${from}`, from })))
  }
  return { files, links }
}

/** Without links: those of a workspace lead to everything. */
function packageFiles(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : packageFiles(path)
    return entry.isFile() && !UNUSED.test(entry.name) ? [path] : []
  })
}

function idOf(files: BridgeContents['files']): string {
  const hash = createHash('sha256').update(`2 ${process.version} ${process.arch}\n`)
  for (const { path, from } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1)))
    hash.update(`${path}\n`).update(createHash('sha256').update(readFileSync(from)).digest())
  return hash.digest('hex').slice(0, 16)
}
