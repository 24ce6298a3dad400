import { z } from 'zod'

/** An installed package, as its own files describe it. */
export const InstalledPackage = z.object({
  /** The kind in a package URL: https://github.com/package-url/purl-spec */
  type: z.enum(['deb', 'apk', 'npm', 'pypi']),
  name: z.string(),
  version: z.string(),
  architecture: z.string().optional(),
  /** The source package, by which Debian and Alpine report vulnerabilities. */
  sourceName: z.string().optional(),
  sourceVersion: z.string().optional(),
  license: z.string().optional(),
})
export type InstalledPackage = z.infer<typeof InstalledPackage>

/** Distribution, as in `/etc/os-release`. */
export const Distribution = z.object({ id: z.string(), version: z.string() })
export type Distribution = z.infer<typeof Distribution>

/** Of strangers: short, on one line, and storable. Undefined when nothing is left. */
export function cleanField(text: unknown, maxCharacters = 300): string | undefined {
  if (typeof text !== 'string') return undefined
  const clean = text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, maxCharacters)
    .toWellFormed()
  return clean === '' ? undefined : clean
}
