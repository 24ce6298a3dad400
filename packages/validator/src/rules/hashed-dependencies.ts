import { EnvironmentError, readDependencies } from '@trainyard/environments'
import { type FolderRule, ruleDocsUrl } from '../rule.ts'

export const hashedDependencies: FolderRule = {
  code: 'TY211',
  severity: 'info',
  marketplaceSeverity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY211'),
  help: 'Use uv.lock, or create requirements.txt with "uv pip compile --generate-hashes".',
  async check({ dir, manifest, isIgnored }) {
    const { runtime, entrypoints } = (manifest.state === 'read' ? manifest.manifest : undefined) ?? {}
    if (runtime === undefined || entrypoints === undefined) return []
    try {
      const { isHashed, file } = await readDependencies(dir, runtime, entrypoints, { isIgnored })
      if (isHashed) return []
      return [{ message: `${file} does not have a hash for every package`, file }]
    } catch (error) {
      // TY111 reports it.
      if (error instanceof EnvironmentError) return []
      throw error
    }
  },
}
