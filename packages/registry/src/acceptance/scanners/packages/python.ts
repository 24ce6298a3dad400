import { cleanField, type InstalledPackage } from './package.ts'
import { readParagraphs } from './paragraphs.ts'

/** The package that a METADATA or PKG-INFO file describes: https://packaging.python.org/en/latest/specifications/core-metadata/ */
export function parsePythonMetadata(text: string): InstalledPackage[] {
  const [fields] = readParagraphs(text)
  const name = cleanField(fields?.get('name'))
  const version = cleanField(fields?.get('version'))
  if (name === undefined || version === undefined) return []
  const license = cleanField(fields?.get('license-expression')) ?? cleanField(fields?.get('license'), 100)
  // Names are compared in this form: https://peps.python.org/pep-0503/
  return [{ type: 'pypi', name: name.toLowerCase().replace(/[-_.]+/g, '-'), version, license }]
}
