import { cleanField, type InstalledPackage } from './package.ts'
import { readParagraphs } from './paragraphs.ts'

/** The installed packages in a status file of dpkg: https://man7.org/linux/man-pages/man5/deb822.5.html */
export function parseDpkgStatus(text: string): InstalledPackage[] {
  const packages: InstalledPackage[] = []
  for (const fields of readParagraphs(text)) {
    const name = cleanField(fields.get('package'))
    const version = cleanField(fields.get('version'))
    // Files in status.d, as distroless images have them, contain no status.
    const isInstalled = /(^| )installed$/.test(fields.get('status') ?? 'installed')
    if (name === undefined || version === undefined || !isInstalled) continue
    // `Source: glibc (2.36-9)` names the version only where it differs.
    const [, sourceName, sourceVersion] = /^(\S+)(?:\s+\(([^)]+)\))?/.exec(fields.get('source') ?? '') ?? []
    packages.push({
      type: 'deb',
      name,
      version,
      architecture: cleanField(fields.get('architecture')),
      sourceName: cleanField(sourceName) ?? name,
      sourceVersion: cleanField(sourceVersion) ?? version,
    })
  }
  return packages
}
