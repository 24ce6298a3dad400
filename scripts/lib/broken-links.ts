import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

/**
 * Links between the HTML pages of a folder whose file or anchor does not exist, as `page: link`. With `cleanUrls`, `/guides/a` is
 * `guides/a.html` and `/guides/` is `guides/index.html`.
 */
export async function findBrokenLinks(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const files = new Set(entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)))
  const pages = new Map<string, string>()
  for (const file of files) if (file.endsWith('.html')) pages.set(file, await readFile(file, 'utf8'))
  const broken = new Set<string>()
  for (const [page, html] of pages) {
    for (const [, link = ''] of html.matchAll(/<a [^>]*href="([^"]+)"/g)) {
      if (/^([a-z]+:|\/\/)/.test(link)) continue
      const [path = '', fragment = ''] = decodeURI(link.replaceAll('&amp;', '&')).split('#')
      const target = path === '' ? page : path.startsWith('/') ? join(dir, path) : join(dirname(page), path)
      const file = [target, `${target}.html`, join(target, 'index.html')].find((each) => files.has(each))
      const hasAnchor =
        file !== undefined && (fragment === '' || pages.get(file)?.includes(`id="${fragment}"`) !== false)
      if (!hasAnchor) broken.add(`${relative(dir, page)}: ${link}`)
    }
  }
  return [...broken]
}
