import { findJson } from '@trainyard/platform'
import { z } from 'zod'
import { cleanField, type InstalledPackage } from './package.ts'

const PackageJson = z.looseObject({ name: z.string(), version: z.string(), license: z.unknown().optional() })

/** The package that a package.json in node_modules describes. */
export function parseNpmPackage(bytes: Uint8Array): InstalledPackage[] {
  const json = PackageJson.safeParse(findJson(bytes, { maxBodyBytes: bytes.length, maxValues: 100_000 })).data
  const name = cleanField(json?.name)
  const version = cleanField(json?.version)
  if (name === undefined || version === undefined) return []
  return [{ type: 'npm', name, version, license: cleanField(json?.license) }]
}
