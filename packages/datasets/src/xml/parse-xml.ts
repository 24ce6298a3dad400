import { DatasetError } from '@trainyard/contract/trainer-errors'

/** An element. `text` is its own text, trimmed. */
export interface XmlElement {
  name: string
  text: string
  attributes: ReadonlyMap<string, string>
  children: XmlElement[]
}

const MAX_DEPTH = 32
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
// Each part ends at the next "<", so that hostile text is scanned once.
const TAG = /<(\/?)([^\s/<>]+)((?:\s+[^\s=/<>]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y
const ATTRIBUTE = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g
const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map()

/**
 * Parses a small XML document. Throws `DatasetError` with `name` for anything but elements, text, CDATA and comments: the
 * entities of a DOCTYPE can grow without limit or read other files, so it is refused.
 */
export function parseXml(source: string, name: string): XmlElement {
  const root: XmlElement = { name: '', text: '', attributes: NO_ATTRIBUTES, children: [] }
  const open: XmlElement[] = [root]
  const current = () => open.at(-1) ?? root
  const fail: (offset: number, what: string) => never = (offset, what) => {
    const line = source.slice(0, offset).split('\n').length
    throw new DatasetError(`${name}, line ${line}: ${what}`)
  }
  let position = source.charCodeAt(0) === 0xfeff ? 1 : 0

  while (position < source.length) {
    const start = source.indexOf('<', position)
    const text = source.slice(position, start === -1 ? undefined : start)
    current().text += decodeEntities(text, (what) => fail(position, what))
    if (start === -1) break
    position = start
    if (source.startsWith('<!--', start)) position = after('-->', start + 4, 'a comment')
    else if (source.startsWith('<?', start)) position = after('?>', start + 2, 'an instruction')
    else if (source.startsWith('<![CDATA[', start)) {
      position = after(']]>', start + 9, 'CDATA')
      current().text += source.slice(start + 9, position - 3)
    } else if (source.startsWith('<!', start)) {
      fail(
        start,
        `"${source.slice(start, start + 10)}…" is refused; expected elements only, without DOCTYPE and entities`,
      )
    } else position = readTag(start)
  }
  if (open.length > 1) fail(source.length, `<${current().name}> is not closed`)
  const [element, second] = root.children
  if (element === undefined) return fail(source.length, 'there is no element')
  if (second !== undefined || root.text.trim() !== '') fail(source.length, 'there is more than one element at the top')
  return element

  function after(end: string, from: number, what: string): number {
    const at = source.indexOf(end, from)
    return at === -1 ? fail(from, `${what} does not end`) : at + end.length
  }

  function readTag(start: number): number {
    TAG.lastIndex = start
    const match = TAG.exec(source)
    if (match === null) return fail(start, `"${source.slice(start, start + 20)}" is not a tag`)
    const [tag, closes, tagName = '', list = '', isEmpty] = match
    if (closes) {
      const element = open.pop()
      if (element === undefined || open.length === 0 || element.name !== tagName) fail(start, `${tag} closes nothing`)
      else element.text = element.text.trim()
      return start + tag.length
    }
    const attributes = list === '' ? NO_ATTRIBUTES : readAttributes(list, (what) => fail(start, what))
    const element: XmlElement = { name: tagName, text: '', attributes, children: [] }
    current().children.push(element)
    if (!isEmpty) open.push(element)
    if (open.length > MAX_DEPTH) fail(start, `elements are nested more than ${MAX_DEPTH} deep`)
    return start + tag.length
  }
}

function readAttributes(list: string, fail: (what: string) => never): Map<string, string> {
  const attributes = new Map<string, string>()
  for (const [, name = '', double, single = ''] of list.matchAll(ATTRIBUTE))
    attributes.set(name, decodeEntities(double ?? single, fail))
  return attributes
}

function decodeEntities(text: string, fail: (what: string) => never): string {
  if (!text.includes('&')) return text
  return text.replace(/&([^;&\s]{0,20};?)/g, (whole, body: string) => {
    const entity = body.endsWith(';') ? body.slice(0, -1) : ''
    const known = Object.hasOwn(ENTITIES, entity) ? ENTITIES[entity] : undefined
    if (known !== undefined) return known
    const code = /^#(?:x([0-9a-f]{1,6})|([0-9]{1,7}))$/i.exec(entity)
    const point = code === null ? -1 : Number.parseInt(code[1] ?? code[2] ?? '', code[1] ? 16 : 10)
    if (point < 1 || point > 0x10ffff)
      return fail(`the entity "${whole}" is refused; expected &lt; &gt; &amp; &quot; or &apos;`)
    return String.fromCodePoint(point)
  })
}

/** The first child with a name. */
export function findChild(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((child) => child.name === name)
}

/** The text of the first child with a name. */
export function childText(element: XmlElement | undefined, name: string): string | undefined {
  return findChild(element, name)?.text
}
