import { cleanField, type InstalledPackage } from './package.ts'

/** The packages in Alpine's list of installed packages: https://wiki.alpinelinux.org/wiki/Apk_spec */
export function parseApkInstalled(text: string): InstalledPackage[] {
  const packages: InstalledPackage[] = []
  for (const paragraph of text.split(/\r?\n\r?\n/)) {
    const fields = new Map<string, string>()
    for (const line of paragraph.split(/\r?\n/)) if (line[1] === ':') fields.set(line.slice(0, 1), line.slice(2))
    const name = cleanField(fields.get('P'))
    const version = cleanField(fields.get('V'))
    if (name === undefined || version === undefined) continue
    packages.push({
      type: 'apk',
      name,
      version,
      architecture: cleanField(fields.get('A')),
      sourceName: cleanField(fields.get('o')) ?? name,
      sourceVersion: version,
      license: cleanField(fields.get('L')),
    })
  }
  return packages
}
