/** Where each Markdown file of `docs/` stands on the site, and the sidebar that leads there. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ROOT } from '../lib/run.ts'

const DOCS = join(ROOT, 'docs')

/** Pages that `npm run docs:site` makes, in a folder of `docs/` that is not committed. */
export const GENERATED = 'site/generated'

/** The page of a Markdown file, both relative to `docs/`: `decisions/README.md` is `decisions/index.md`. */
export function pageOf(file: string): string {
  if (file === 'site/index.md') return 'index.md'
  const generated = file.startsWith(`${GENERATED}/`) ? `reference/${file.slice(GENERATED.length + 1)}` : file
  return generated
    .replace(/^(reference\/api\/[^/]+)\/src\.md$/, '$1.md')
    .replace(/^(reference\/api\/[^/]+)\/src\/([^/]+)\.md$/, '$1-$2.md')
    .replace(/README\.md$/, 'index.md')
}

/** The address of the page of a Markdown file: `/decisions/`, `/guides/any-language`. */
export const addressOf = (file: string): string => `/${pageOf(file).replace(/(index)?\.md$/, '')}`

interface SidebarItem {
  text: string
  link?: string
  items?: SidebarItem[]
}

/** The sidebar: four parts. Pages of rules, problems and decisions are listed by the page of their folder. */
export function sidebar(): SidebarItem[] {
  const reference = [
    ...files(['contract.md', `${GENERATED}/manifest.md`, 'datasets.md', 'command-line.md', 'configuration.md']),
    { text: 'Rules of the validator', link: '/rules/' },
    { text: 'Problems', link: '/problems/' },
  ]
  const libraries = [...files(README_PAGES), ...folder(`${GENERATED}/api`, API_ORDER)]
  const explanation = files([
    'architecture.md',
    'guarantees.md',
    'isolation.md',
    'usage.md',
    `${GENERATED}/security.md`,
    'dataset-pitfalls.md',
    'bad-trainers.md',
  ])
  return [
    { text: 'Tutorials', items: folder('tutorials', TUTORIALS) },
    { text: 'How-to guides', items: [...folder('guides', GUIDES), ...files(['troubleshooting.md'])] },
    { text: 'Reference', items: reference },
    { text: 'Reference: libraries', items: libraries },
    { text: 'Reference: HTTP APIs', items: folder(`${GENERATED}/http`, []) },
    { text: 'Explanation', items: [...explanation, { text: 'Decisions', link: '/decisions/' }] },
  ]
}

const TUTORIALS = ['first-trainer', 'first-trainer-in-python', 'first-training-in-the-browser', 'first-cluster']
const GUIDES = ['write-a-trainer', 'write-a-trainer-in-python', 'any-language', 'train-from-the-command-line']
const API_ORDER = ['sdk', 'contract', 'datasets', 'client', 'testing']
const README_PAGES = [`${GENERATED}/sdk.md`, `${GENERATED}/python.md`]

/** The pages of a folder: those that are named first, then the others by name. */
function folder(dir: string, first: readonly string[]): SidebarItem[] {
  const names = readdirSync(join(DOCS, dir), { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.md') && basename(name) !== 'README.md',
  )
  const rank = (name: string) => {
    const at = first.findIndex((each) => name === `${each}.md` || name.startsWith(`${each}/`))
    return at === -1 ? first.length : at
  }
  names.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b, 'en'))
  return files(names.map((name) => `${dir}/${name}`))
}

function files(names: readonly string[]): SidebarItem[] {
  return names.map((name) => ({ text: titleOf(name), link: addressOf(name) }))
}

/** The first heading of a page. */
function titleOf(file: string): string {
  const text = readFileSync(join(DOCS, file), 'utf8')
  const heading = /^# (.+)$/m.exec(text)?.[1]
  if (heading === undefined) throw new Error(`docs/${file} has no heading`)
  return heading.replaceAll('`', '')
}
