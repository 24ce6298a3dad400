import { ExportFormat, KNOWN_EXPORT_FORMATS } from '@trainyard/contract'
import { ConfigError } from '@trainyard/contract/trainer-errors'
import type { JobSettings } from './settings.ts'

/** Parses an export format that the manifest lists. Undefined when `text` is not set. `source` names it in errors. */
export function readExportFormat(
  text: string | undefined,
  manifest: JobSettings['manifest'],
  source: string,
): ExportFormat | undefined {
  if (text === undefined || text === '') return undefined
  const parsed = ExportFormat.safeParse(text)
  const formats = manifest?.exportFormats ?? []
  if (parsed.success && (formats.length === 0 || formats.includes(parsed.data))) return parsed.data
  throw new ConfigError(
    `${source} is ${JSON.stringify(text)}; expected one of: ${(formats.length === 0 ? KNOWN_EXPORT_FORMATS : formats).join(', ')}`,
  )
}
