/**
 * Writes the API pages of the public packages to `docs/api/` (not committed). Fails for an exported name without a description
 * and for a broken link.
 */
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { ROOT, run } from './lib/run.ts'

const CONFIG_DIR = join(ROOT, 'scripts/api-docs')
const OUT = join(ROOT, 'docs/api')

/** Internal links whose file or anchor does not exist. */
async function findBrokenLinks(): Promise<string[]> {
  const entries = await readdir(OUT, { recursive: true, withFileTypes: true })
  const files = new Set(entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)))
  const pages = new Map<string, string>()
  for (const file of files) if (file.endsWith('.html')) pages.set(file, await readFile(file, 'utf8'))
  const broken: string[] = []
  for (const [page, html] of pages) {
    for (const [, link = ''] of html.matchAll(/<a [^>]*href="([^"]+)"/g)) {
      if (/^(https?|mailto):/.test(link)) continue
      const [path = '', fragment] = decodeURI(link.replaceAll('&amp;', '&')).split('#')
      const target = path === '' ? page : join(dirname(page), path)
      const hasAnchor =
        fragment === undefined || fragment === '' || pages.get(target)?.includes(`id="${fragment}"`) !== false
      if (!files.has(target) || !hasAnchor) broken.push(`${relative(OUT, page)}: ${link}`)
    }
  }
  return broken
}

const { code } = await run(process.execPath, ['node_modules/typedoc/bin/typedoc', '--logLevel', 'Warn'], {
  cwd: CONFIG_DIR,
})
const broken = code === 0 ? await findBrokenLinks() : []
if (broken.length > 0) console.error(`Broken links:\n${broken.map((link) => `  ${link}`).join('\n')}`)
if (code !== 0 || broken.length > 0) process.exitCode = 1
else console.log('docs/api/index.html is written')
