import { manifestPlace } from '../manifest/read-manifest.ts'
import { type FolderRule, ruleDocsUrl } from '../rule.ts'

export const exportEntryPoint: FolderRule = {
  code: 'TY108',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY108'),
  help: 'Define both "exportFormats" and "entrypoints.export", or neither.',
  check({ manifest }) {
    if (manifest.state !== 'read' || !manifest.manifest) return []
    const { entrypoints, exportFormats } = manifest.manifest
    if (exportFormats.length > 0 && !entrypoints.export) {
      const message = `"exportFormats" lists ${exportFormats.join(', ')}, but "entrypoints.export" is missing`
      return [{ message, ...manifestPlace(manifest, ['exportFormats']) }]
    }
    if (exportFormats.length === 0 && entrypoints.export) {
      const message =
        '"entrypoints.export" exists, but "exportFormats" lists no format, so users cannot request an export'
      return [{ message, ...manifestPlace(manifest, ['entrypoints', 'export']) }]
    }
    return []
  },
}
