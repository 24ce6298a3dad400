import { addPath, inspectLayer, type LayerScan, shownPath } from '@trainyard/validator/image'
import { z } from 'zod'
import { parseApkInstalled } from './apk.ts'
import { parseDpkgStatus } from './dpkg.ts'
import { parseNpmPackage } from './npm.ts'
import { parseOsRelease } from './os-release.ts'
import { Distribution, InstalledPackage } from './package.ts'
import { parsePythonMetadata } from './python.ts'

/** dpkg's list of a desktop has 10 MB. */
const MAX_FILE_BYTES = 64 * 1024 * 1024
const MAX_PACKAGES = 100_000

/** The packages that the files of one layer describe. Those of files that an upper layer hides do not count. */
export const LayerPackages = z.object({
  files: z.array(z.object({ path: z.string(), index: z.number(), packages: z.array(InstalledPackage) })),
  distributions: z.array(z.object({ path: z.string(), index: z.number(), distribution: Distribution })),
  /** Lists of packages that were not read: of rpm, or too large. */
  unread: z.object({ count: z.number(), examples: z.array(z.string()) }),
})
export type LayerPackages = z.infer<typeof LayerPackages>

const PARSERS: readonly { path: RegExp; parse(bytes: Uint8Array): InstalledPackage[] }[] = [
  { path: /^var\/lib\/dpkg\/(status|status\.d\/[^/]+)$/, parse: (bytes) => parseDpkgStatus(textOf(bytes)) },
  { path: /^(usr\/)?lib\/apk\/db\/installed$/, parse: (bytes) => parseApkInstalled(textOf(bytes)) },
  {
    path: /(^|\/)([^/]+\.dist-info\/METADATA|[^/]+\.egg-info(\/PKG-INFO)?)$/,
    parse: (bytes) => parsePythonMetadata(textOf(bytes)),
  },
  { path: /(^|\/)node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/, parse: parseNpmPackage },
]
const OS_RELEASE = /^(etc|usr\/lib)\/os-release$/
const RPM = /^(usr\/lib\/sysimage|var\/lib)\/rpm\/(Packages|Packages\.db|rpmdb\.sqlite)$/

/** Reads the lists of packages in one layer. */
export async function findPackages({ body, mediaType, limits, onFile }: LayerScan): Promise<LayerPackages> {
  const found: LayerPackages = { files: [], distributions: [], unread: { count: 0, examples: [] } }
  let count = 0
  await inspectLayer(body, {
    mediaType,
    limits,
    async onFile({ path }, file, index) {
      onFile(shownPath(path))
      if (RPM.test(path)) addPath(found.unread, shownPath(path))
      const parser = PARSERS.find((one) => one.path.test(path))
      if (parser === undefined && !OS_RELEASE.test(path)) return
      const bytes = await file.read(MAX_FILE_BYTES)
      if (bytes === undefined || count > MAX_PACKAGES) return addPath(found.unread, shownPath(path))
      const packages = parser?.parse(bytes) ?? []
      count += packages.length
      if (packages.length > 0) found.files.push({ path: stored(path), index, packages })
      const distribution = OS_RELEASE.test(path) ? parseOsRelease(textOf(bytes)) : undefined
      if (distribution !== undefined) found.distributions.push({ path: stored(path), index, distribution })
    },
  })
  return found
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')
/** Paths are stored as JSON in PostgreSQL. */
const stored = (path: string): string => shownPath(path).slice(1)
