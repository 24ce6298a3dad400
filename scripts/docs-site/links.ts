/** Links of the Markdown are relative to their files, so that they work on GitHub. On the site they lead to pages. */
import { existsSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { ROOT } from '../lib/run.ts'
import { addressOf } from './pages.ts'

const REPOSITORY = 'https://github.com/trainyard/trainyard'

/** What a page's front matter can name: the file that it was made from, relative to the repository. */
export interface PageSource {
  /** Absolute path of the Markdown file. */
  path: string
  source?: string | undefined
}

/**
 * The address of a link on the site: a page for Markdown that the site has, a file for schemas and pictures, and GitHub for everything else
 * in the repository. Throws when the target does not exist.
 */
export function siteLink(link: string, page: PageSource): string {
  if (/^([a-z]+:|#|\/)/i.test(link)) return link
  const [path = '', fragment] = link.split('#')
  const hash = fragment === undefined ? '' : `#${fragment}`
  const base = page.source === undefined ? page.path : join(ROOT, page.source)
  const target = join(dirname(base), decodeURI(path))
  if (!existsSync(target)) throw new Error(`${relative(ROOT, page.path)} links to ${link}, which does not exist`)
  const inRepository = relative(ROOT, target)
  const copied = COPIES.get(inRepository)
  if (copied !== undefined) return `${addressOf(copied)}${hash}`
  const isFolder = statSync(target).isDirectory()
  const inDocs = inRepository.startsWith('docs/') ? inRepository.slice('docs/'.length) : undefined
  if (inDocs !== undefined) {
    if (isFolder && existsSync(join(target, 'README.md'))) return `/${inDocs}/${hash}`
    if (inDocs.endsWith('.md')) return `${addressOf(inDocs)}${hash}`
    if (!isFolder) return `/${inDocs}`
  }
  return `${REPOSITORY}/${isFolder ? 'tree' : 'blob'}/main/${inRepository}${hash}`
}

/** Files outside `docs/` that have a page, by the path of their copy in `docs/`. */
export const COPIES: ReadonlyMap<string, string> = new Map([
  ['packages/sdk/README.md', 'site/generated/sdk.md'],
  ['python/README.md', 'site/generated/python.md'],
  ['SECURITY.md', 'site/generated/security.md'],
])
