import { manifestPlace } from '../manifest/read-manifest.ts'
import { type FolderRule, ruleDocsUrl } from '../rule.ts'

export const exportEntryPoint: FolderRule = {
  code: 'TY108',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY108'),
  help: 'Give both "exportFormats" and "entrypoints.export", or neither.',
  check({ manifest }) {
    if (manifest.state !== 'read' || !manifest.manifest) return []
    const { entrypoints, exportFormats } = manifest.manifest
    if (exportFormats.length > 0 && !entrypoints.export) {
      const message = `"exportFormats" promises ${exportFormats.join(', ')}, but there is no "entrypoints.export"`
      return [{ message, ...manifestPlace(manifest, ['exportFormats']) }]
    }
    if (exportFormats.length === 0 && entrypoints.export) {
      const message = '"entrypoints.export" is there, but "exportFormats" names no format, so nobody can ask for one'
      return [{ message, ...manifestPlace(manifest, ['entrypoints', 'export']) }]
    }
    return []
  },
}
