import { manifestPlace } from '../manifest/read-manifest.ts'
import { type FolderRule, ruleDocsUrl } from '../rule.ts'

const FILES = ['uv.lock', 'requirements.txt', 'pyproject.toml']

export const environmentDeclared: FolderRule = {
  code: 'TY110',
  severity: 'warning',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY110'),
  help: 'Add "runtime": { "python": ">=3.10", "dependencies": "requirements.txt" } to trainer.json.',
  check(folder) {
    const { manifest } = folder
    if (manifest.state !== 'read' || manifest.manifest === undefined) return []
    const { runtime, entrypoints } = manifest.manifest
    // With a Dockerfile, the image has the packages.
    if (runtime !== undefined || folder.dockerfiles.length > 0) return []
    const isPython = entrypoints.train.some((argument) => /(^|\/)python[\d.]*$/.test(argument))
    const file = FILES.find((name) => folder.find(name))
    if (!isPython || file === undefined) return []
    const message = `${file} is not installed: "runtime" is not set, so jobs run with the system's Python`
    return [{ message, ...manifestPlace(manifest, ['entrypoints']) }]
  },
}
