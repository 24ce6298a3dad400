import { ExportFormat } from '@trainyard/contract'
import { ConfigError } from '@trainyard/contract/trainer-errors'
import type { JobSettings } from './settings.ts'

/** The format to export to: one that the manifest names. Undefined when none was asked for. */
export function readExportFormat(
  text: string | undefined,
  manifest: JobSettings['manifest'],
  source: string,
): ExportFormat | undefined {
  if (text === undefined || text === '') return undefined
  const parsed = ExportFormat.safeParse(text)
  const formats = manifest?.exportFormats ?? ExportFormat.options
  if (parsed.success && (formats.length === 0 || formats.includes(parsed.data))) return parsed.data
  throw new ConfigError(`${source} is ${JSON.stringify(text)}; wanted is one of: ${formats.join(', ')}`)
}
