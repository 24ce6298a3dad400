import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { VERSION } from '../version.ts'

const root = join(import.meta.dirname, '../../../..')
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8')

const FRAMEWORK_FILES = ['train.py', 'trainer.json', 'requirements.txt', '.trainyardignore']
const TEMPLATES = {
  timm: { from: 'timm', files: FRAMEWORK_FILES },
  huggingface: { from: 'huggingface', files: FRAMEWORK_FILES },
  lightning: { from: 'lightning', files: FRAMEWORK_FILES },
  ultralytics: { from: 'ultralytics', files: FRAMEWORK_FILES },
  plain: { from: 'python-with-sdk', files: ['train.py', 'trainer.json', 'requirements.txt', '.trainyardignore'] },
  python: { from: 'python-without-sdk', files: ['train.py', 'trainer.json', 'Dockerfile', '.trainyardignore'] },
  typescript: {
    from: 'minimal-trainer',
    files: [
      'src/main.ts',
      'src/softmax.ts',
      'src/read-pixels.ts',
      'src/main.test.ts',
      'build.ts',
      'package.json',
      'trainer.json',
      'Dockerfile',
      '.trainyardignore',
    ],
  },
}

/** Replaces references to the workspace and its catalogue by versions. */
function releaseVersions(text: string): string {
  const { catalog } = parse(read('pnpm-workspace.yaml')) as { catalog: Record<string, string> }
  return text
    .replaceAll('"workspace:*"', `"^${VERSION}"`)
    .replace(/"([^"]+)": "catalog:"/g, (_, name: string) => `"${name}": "${catalog[name]}"`)
}

it('the templates are the examples; `npx vitest run packages/cli/src/init -u` updates them', async () => {
  const templates = Object.fromEntries(
    Object.entries(TEMPLATES).map(([name, { from, files }]) => [
      name,
      Object.fromEntries(
        files.map((file) => {
          const text = read('examples', from, file)
          return [file, file === 'package.json' ? releaseVersions(text) : text]
        }),
      ),
    ]),
  )
  const json = `${JSON.stringify({ license: read('LICENSE'), agpl: read('examples/ultralytics/LICENSE'), ...templates }, null, 2)}\n`
  await expect(json).toMatchFileSnapshot('templates.json')
})
