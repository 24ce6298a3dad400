/** The file of a trainer's folder that names what is not published. */
export const IGNORE_FILE_NAME = '.trainyardignore'

/** Never part of a bundle, unless `.trainyardignore` includes them again, for example with `!node_modules/`. */
const ALWAYS_IGNORED = ['node_modules/', '.git/', '/runs/', '/.trainyard/', '.DS_Store', '.env', '/.trainyardignore']

/** Whether a path (relative, with `/` between its parts) is ignored. */
export type IgnoreRules = (path: string, isFolder: boolean) => boolean

/** Parses `.trainyardignore`: the syntax of `.gitignore` without character classes. The last matching line wins. */
export function parseIgnoreRules(text: string): IgnoreRules {
  const rules = [...ALWAYS_IGNORED, ...text.split(/\r?\n/)].flatMap((raw) => {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) return []
    const negated = line.startsWith('!')
    const pattern = negated ? line.slice(1) : line
    const body = pattern.replace(/^\//, '').replace(/\/$/, '')
    // As in gitignore(5): a slash at the start or in the middle makes the pattern relative to the root.
    const anchored = pattern.startsWith('/') || body.includes('/')
    return [{ negated, onlyFolders: pattern.endsWith('/'), expression: toExpression(body, anchored) }]
  })
  return (path, isFolder) => {
    const last = rules.findLast((rule) => (isFolder || !rule.onlyFolders) && rule.expression.test(path))
    return last !== undefined && !last.negated
  }
}

function toExpression(glob: string, anchored: boolean): RegExp {
  const source = glob.replace(/\*\*\/|\/\*\*$|\*+|\?|[.+^${}()|[\]\\]/g, (part) => {
    if (part === '**/') return '(?:.*/)?'
    if (part === '/**') return '/.*'
    if (part.startsWith('*')) return '[^/]*'
    return part === '?' ? '[^/]' : `\\${part}`
  })
  return new RegExp(`^${anchored ? '' : '(?:.*/)?'}${source}$`)
}
