import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { parseSync } from 'oxc-parser'

const src = join(import.meta.dirname, '..')

interface Node {
  type: string
  start: number
  [key: string]: unknown
}

interface CodeText {
  /** From `src`, with `/`. */
  file: string
  line: number
  text: string
}

interface TextsInCode {
  /** What passes `t`, `plural` or `Sentence`. */
  translated: CodeText[]
  /** Every string, also those of tables, whose texts are translated where they are shown. */
  strings: Set<string>
  /** Texts that reach a page as they are. */
  bare: CodeText[]
}

function* sourceFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      if (entry.name !== 'testing' && entry.name !== 'words') yield* sourceFiles(path)
    } else if (/\.tsx?$/.test(entry.name) && !/\.test\./.test(entry.name)) yield path
  }
}

const WORD = /\p{L}{2}/u
/** The same in every language. */
const NAMES_AND_UNITS = /\b(?:Trainyard|px|ms)\b/g
/** Attributes that people read or hear. */
const READ_ATTRIBUTES = new Set(
  'aria-label label title placeholder alt hint verb question keep lead empty subject description'.split(' '),
)
const ATTRIBUTE = '(attribute)'
/** Commands, names of files and samples of code stay as they are. */
const isVerbatim = (tag: string): boolean => ['code', 'script', 'style'].includes(tag)

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
const nodesIn = (value: unknown): Node[] =>
  Array.isArray(value) ? value.flatMap(nodesIn) : isNode(value) ? [value] : []
const childrenOf = (node: Node): Node[] => Object.values(node).flatMap(nodesIn)

/** The strings that an expression can be: of a literal, or of the branches of a choice. */
function stringsOf(value: unknown): string[] {
  if (!isNode(value)) return []
  switch (value.type) {
    case 'Literal':
      return typeof value.value === 'string' ? [value.value] : []
    case 'TemplateLiteral':
      return [nodesIn(value.quasis).map(cookedOf).join('')]
    case 'ConditionalExpression':
      return [...stringsOf(value.consequent), ...stringsOf(value.alternate)]
    case 'LogicalExpression':
      return stringsOf(value.right)
    case 'JSXExpressionContainer':
      return stringsOf(value.expression)
    default:
      return []
  }
}

const cookedOf = ({ value }: Node): string =>
  typeof value === 'object' && value !== null && 'cooked' in value ? String(value.cooked) : ''
const nameOf = (value: unknown): string => (isNode(value) && typeof value.name === 'string' ? value.name : '')

/** Reads the code of the pages, as a parser sees it. */
export function readTextsInCode(): TextsInCode {
  const found: TextsInCode = { translated: [], strings: new Set(), bare: [] }
  for (const path of sourceFiles(src)) {
    const code = readFileSync(path, 'utf8')
    const file = relative(src, path).replaceAll('\\', '/')
    const textAt = (node: Node, text: string): CodeText => ({
      file,
      line: code.slice(0, node.start).split('\n').length,
      text,
    })
    const visit = (node: Node, tag: string): void => {
      for (const text of stringsOf(node)) found.strings.add(text)
      const { translated, bare, within } = textsOf(node, tag)
      found.translated.push(...translated.map((text) => textAt(node, text)))
      found.bare.push(
        ...bare.filter((text) => WORD.test(text.replace(NAMES_AND_UNITS, ''))).map((text) => textAt(node, text)),
      )
      for (const child of childrenOf(node)) visit(child, within)
    }
    visit(parseSync(path, code).program as unknown as Node, '')
  }
  return found
}

/** The texts of one node. `within` is the tag that its children are in. */
function textsOf(node: Node, tag: string): { translated: string[]; bare: string[]; within: string } {
  const none = { translated: [], bare: [], within: tag }
  switch (node.type) {
    case 'CallExpression': {
      const [first, ...others] = nodesIn(node.arguments)
      const name = nameOf(node.callee)
      if (name === 't') return { ...none, translated: stringsOf(first) }
      return name === 'plural' ? { ...none, translated: others.flatMap(stringsOf) } : none
    }
    case 'JSXElement': {
      const opening = nodesIn(node.openingElement)[0]
      return { ...none, within: nameOf(opening?.name) }
    }
    case 'JSXAttribute': {
      const name = nameOf(node.name)
      if (tag === 'Sentence' && name === 'text')
        return { ...none, translated: stringsOf(node.value), within: ATTRIBUTE }
      return READ_ATTRIBUTES.has(name)
        ? { ...none, bare: stringsOf(node.value), within: ATTRIBUTE }
        : { ...none, within: ATTRIBUTE }
    }
    case 'JSXText':
      return isVerbatim(tag) ? none : { ...none, bare: [String(node.value).trim()] }
    case 'JSXExpressionContainer':
      // Of an attribute, the attribute decides.
      return isVerbatim(tag) || tag === ATTRIBUTE ? none : { ...none, bare: stringsOf(node.expression) }
    default:
      return none
  }
}

/** Files that the scripts of the browser contain. */
export function filesOfScripts(): Set<string> {
  const files = new Set<string>()
  const visit = (path: string): void => {
    const file = relative(src, path).replaceAll('\\', '/')
    if (files.has(file)) return
    files.add(file)
    const code = readFileSync(path, 'utf8')
    for (const [, named, plain = ''] of code.matchAll(
      /^(?:import|export)(?! type)[^'"]*from '(\.[^']+)'|^import '(\.[^']+)'/gm,
    ))
      visit(join(dirname(path), named ?? plain))
  }
  for (const path of sourceFiles(join(src, 'client'))) visit(path)
  return files
}
