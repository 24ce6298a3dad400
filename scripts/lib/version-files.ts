import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { VERSION } from '../../packages/cli/src/version.ts'
import { ROOT } from './run.ts'

/** Where the version of the packages stands in files that cannot read it: what precedes it there. */
const PLACES: Readonly<Record<string, readonly RegExp[]>> = {
  'deploy/helm/trainyard/Chart.yaml': [/(?<=^version: )\S+/m, /(?<=^appVersion: ")[^"]+/m],
  'deploy/compose/compose.yaml': [/(?<=TRAINYARD_VERSION:-)[^}]+/],
  'deploy/compose/README.md': [/(?<=trainyard\/platform:)\d\S+/, /(?<=`TRAINYARD_IMAGE` \| )[^,]+/],
  'packages/validator/README.md': [/(?<=trainyard\/validator:)\d\S+/g],
  'examples/python-without-sdk/Dockerfile': [/(?<=trainyard@)\S+/],
  'examples/kubernetes/runner.yaml': [/(?<=trainyard\/runner:)\d[\w.-]*/g],
}

/** Those files by path, with the version of the packages, that of `packages/cli/package.json`. */
export async function versionFiles(): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const [path, places] of Object.entries(PLACES)) {
    let text = await readFile(join(ROOT, path), 'utf8')
    for (const place of places) {
      if (text.search(place) < 0) throw new Error(`${path} has no version that ${place} finds`)
      text = text.replace(place, VERSION)
    }
    files.set(path, text)
  }
  return files
}
