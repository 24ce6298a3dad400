import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A block of code of a document, or of the comment at the top of a module. */
export interface Snippet {
  /** Where it stands, relative to the repository. */
  source: string
  code: string
}

/** Folders whose documents show code of other times or other languages. */
const SKIPPED = /(^|\/)(node_modules|dist|api|rules|decisions|fixtures|\.trainyard)(\/|$)/

async function listFiles(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true })
  const lists = entries.map(async (entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return SKIPPED.test(path) ? [] : listFiles(root, path)
    return [path]
  })
  return (await Promise.all(lists)).flat()
}

/** Every TypeScript block of READMEs and guides, and of the comments that open the entry points of the SDK and of datasets. */
export async function readSnippets(root: string): Promise<Snippet[]> {
  const lists = await Promise.all(['docs', 'packages', 'trainers', 'examples'].map((folder) => listFiles(root, folder)))
  const files = lists
    .flat()
    .filter((path) => path.endsWith('.md') || /^packages\/(sdk|datasets)\/src\/(\w+\/)?index\.ts$/.test(path))
  const snippets = await Promise.all(
    ['README.md', ...files].map(async (source) => {
      const text = await readFile(join(root, source), 'utf8')
      const plain = source.endsWith('.ts') ? text.replace(/^ \* ?/gm, '') : text
      return [...plain.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = '']) => ({ source, code }))
    }),
  )
  return snippets.flat()
}
