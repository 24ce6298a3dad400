import { type FolderRule, ruleDocsUrl } from '../rule.ts'

/** More than the largest machines that clouds offer. */
const LARGEST = { cpu: 512, memoryMb: 25_000_000, gpu: 64, diskGb: 100_000 } as const

export const resourcesPlausible: FolderRule = {
  code: 'TY112',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY112'),
  help: 'Declare what a job needs at least. A runner leaves jobs queued for which no machine is large enough.',
  check({ manifest }) {
    if (manifest.state !== 'read' || manifest.manifest === undefined) return []
    const { resources } = manifest.manifest
    return (['cpu', 'memoryMb', 'gpu', 'diskGb'] as const).flatMap((name) => {
      const value = resources[name]
      if (value === undefined || value <= LARGEST[name]) return []
      const message = `"resources.${name}" is ${value}; expected at most ${LARGEST[name]}, which no machine exceeds`
      return [{ message, file: 'trainer.json', subject: name }]
    })
  },
}
