import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export const exampleManifest = {
  name: 'acme/tiny',
  version: '1.2.0',
  displayName: 'Tiny',
  description: 'Learns next to nothing',
  license: 'Apache-2.0',
  authors: ['Ada'],
  contract: '1',
  framework: 'none',
  entrypoints: { train: ['node', 'train.mjs'] },
  models: [{ name: 'tiny', taskTypes: ['classification'] }],
  taskTypes: ['classification'],
  datasetFormats: ['imagefolder'],
}

/** Creates a trainer's folder with these files. Disposing it removes the folder. */
export async function createTrainerFolder(
  files: Record<string, string> = {},
): Promise<AsyncDisposable & { dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-trainer-'))
  const all = { 'trainer.json': JSON.stringify(exampleManifest), 'train.mjs': 'console.log("hi")\n', ...files }
  for (const [path, text] of Object.entries(all)) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), text)
    if (path.endsWith('.sh')) await chmod(join(dir, path), 0o775)
  }
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
}
