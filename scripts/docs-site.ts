/**
 * Writes the site of the documentation to `dist/docs-site`: the Markdown of `docs/`, pages of the HTTP APIs, of the manifest and of the
 * public packages. VitePress is installed for it on the first run. Fails for a broken link or anchor. `--serve` shows the site afterwards.
 */
import { copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { httpApiPages, type OpenApi } from './docs-site/http-api-pages.ts'
import { COPIES } from './docs-site/links.ts'
import { GENERATED } from './docs-site/pages.ts'
import { fieldTable, type JsonSchema } from './docs-site/schema-table.ts'
import { findBrokenLinks } from './lib/broken-links.ts'
import { pnpm, ROOT, run } from './lib/run.ts'

const ROOM = join(ROOT, 'docs/site')
const OUT = join(ROOT, 'dist/docs-site')
const GENERATED_DIR = join(ROOT, 'docs', GENERATED)
const API_ARGUMENTS = [
  ...[
    '--plugin',
    './named-like-schema.mjs',
    '--plugin',
    'typedoc-plugin-markdown',
    '--router',
    'module',
    '--readme',
    'none',
  ],
  ...['--excludeExternals', 'true', '--hidePageHeader', 'true', '--hideBreadcrumbs', 'true', '--useCodeBlocks', 'true'],
  ...['--parametersFormat', 'table', '--interfacePropertiesFormat', 'table', '--typeDeclarationFormat', 'table'],
]

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(join(ROOT, path), 'utf8')) as T
}

async function write(name: string, text: string): Promise<void> {
  const file = join(GENERATED_DIR, name)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
}

async function succeed(title: string, work: Promise<{ code: number }>): Promise<void> {
  if ((await work).code !== 0) throw new Error(`${title} failed`)
}

/** Pages of the public packages, with the names that people import. */
async function writeApiPages(): Promise<void> {
  const program = [
    'node_modules/typedoc/bin/typedoc',
    '--logLevel',
    'Warn',
    '--out',
    join(GENERATED_DIR, 'api'),
    ...API_ARGUMENTS,
  ]
  await succeed('TypeDoc', run(process.execPath, program, { cwd: join(ROOT, 'scripts/api-docs') }))
  await rm(join(GENERATED_DIR, 'api/README.md'))
  for (const name of ['sdk', 'contract', 'datasets', 'testing', 'client'])
    await renameHeading(`api/${name}/src.md`, `@trainyard/${name}`)
  await renameHeading('api/client/src/files.md', '@trainyard/client/files')
}

async function renameHeading(page: string, heading: string): Promise<void> {
  const text = await readFile(join(GENERATED_DIR, page), 'utf8')
  await write(page, repairAnchors(text.replace(/^# .*$/m, `# ${heading}`)))
}

/** TypeDoc numbers the anchor of a name that it has seen twice, even if the page has it once: `#name-1` is then `#name`. */
function repairAnchors(text: string): string {
  const count = (name: string) =>
    [...text.matchAll(/^#+ (.+)$/gm)].filter(([, title]) => title?.toLowerCase() === name).length
  return text.replaceAll(/\(#([a-z_]+)-1\)/g, (link, name: string) => (count(name) === 1 ? `(#${name})` : link))
}

async function writeGeneratedPages(): Promise<void> {
  await rm(GENERATED_DIR, { recursive: true, force: true })
  for (const [source, copy] of COPIES) {
    await write(
      copy.slice(GENERATED.length + 1),
      `---\nsource: ${source}\n---\n\n${await readFile(join(ROOT, source), 'utf8')}`,
    )
  }
  for (const name of ['runner', 'registry']) {
    const pages = httpApiPages(name, await readJson<OpenApi>(`docs/openapi/${name}.json`))
    for (const [file, text] of pages) await write(`http/${file}`, text)
  }
  const { $defs } = await readJson<{ $defs: { TrainerManifest: JsonSchema } }>('docs/schemas/trainer-manifest.json')
  await write('manifest.md', `${MANIFEST_INTRODUCTION}\n${fieldTable($defs.TrainerManifest, 4)}\n`)
  await writeApiPages()
}

const MANIFEST_INTRODUCTION = `# The manifest, trainer.json

A trainer's folder has a \`trainer.json\`, which says what the trainer can do, what it needs and how it is started. \`npx trainyard init\` writes
one, and \`npx trainyard-validate --phase static\` checks it in a second. Editors complete and check the fields with
\`"$schema": "https://trainyard.dev/schemas/trainer-manifest.json"\`. The [JSON Schema](../../schemas/trainer-manifest.json) has every detail.
`

await succeed('pnpm install', pnpm(['install', '--frozen-lockfile', '--silent'], { cwd: ROOM }))
await writeGeneratedPages()
await rm(OUT, { recursive: true, force: true })
const vitepress = join(ROOM, 'node_modules/vitepress/bin/vitepress.js')
await succeed('VitePress', run(process.execPath, [vitepress, 'build', ROOM]))
for (const folder of ['schemas', 'openapi', 'images'])
  await cp(join(ROOT, 'docs', folder), join(OUT, folder), { recursive: true })
await copyFile(join(ROOT, 'LICENSE'), join(OUT, 'LICENSE'))
const broken = await findBrokenLinks(OUT)
if (broken.length > 0) throw new Error(`Broken links:\n${broken.map((link) => `  ${link}`).join('\n')}`)
console.log('dist/docs-site/index.html is written')
if (process.argv.includes('--serve')) await run(process.execPath, [vitepress, 'preview', ROOM])
