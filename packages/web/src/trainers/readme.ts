import { readmePicturePath, readmePictureUrl } from '@trainyard/contract'
import { Marked } from 'marked'
import sanitizeHtml from 'sanitize-html'

/** Longer READMEs are cut, so that rendering stays fast. */
export const MAX_README_LENGTH = 100_000

/** Parsing emphasis is quadratic in the marks of a block: this many take about 50 ms. Real texts have fewer. */
const MAX_MARKS_A_BLOCK = 3000

const marked = new Marked({ gfm: true, async: false })

const HEADINGS: Record<string, string> = { h1: 'h3', h2: 'h4', h3: 'h5', h4: 'h6', h5: 'h6' }

/**
 * Renders untrusted Markdown as safe HTML: no scripts, styles, forms, frames, ids or classes; links only to http, https and
 * mailto. Pictures of the trainer, and those that the registry copied from other servers, are shown from our own origin: `pictures`
 * has their addresses by path or web address. Others become links with their text: a page loads nothing from strangers' servers,
 * who would learn who reads it.
 */
export function renderReadme(markdown: string, pictures: ReadonlyMap<string, string> = new Map()): string {
  const text = markdown.slice(0, MAX_README_LENGTH)
  const key = JSON.stringify([text, ...pictures])
  const known = rendered.get(key)
  if (known !== undefined) return known
  const parsed = findHtml(text)
  const html = parsed === undefined ? `<pre tabindex="0">${escapeHtml(text)}</pre>` : sanitize(parsed, pictures)
  if (rendered.size >= MAX_RENDERED) rendered.delete(rendered.keys().next().value ?? '')
  rendered.set(key, html)
  return html
}

/** Cache of rendered READMEs, oldest first: the slowest possible README (2 s) is rendered once. */
const rendered = new Map<string, string>()
const MAX_RENDERED = 50

/** Undefined for text that is made to exhaust the parser. */
function findHtml(text: string): string | undefined {
  const blocks = text.split(/\n[ \t]*\n/)
  if (blocks.some((block) => (block.match(/[*_~]/g)?.length ?? 0) > MAX_MARKS_A_BLOCK)) return undefined
  try {
    return marked.parse(text) as string
  } catch (error) {
    // Thousands of nested quotes or lists overflow the stack.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function sanitize(html: string, pictures: ReadonlyMap<string, string>): string {
  let openLinks = 0
  return sanitizeHtml(html, {
    onOpenTag: (name) => {
      if (name === 'a') openLinks++
    },
    onCloseTag: (name) => {
      if (name === 'a') openLinks--
    },
    allowedTags: [
      ...[
        'h3',
        'h4',
        'h5',
        'h6',
        'p',
        'blockquote',
        'ul',
        'ol',
        'li',
        'dl',
        'dt',
        'dd',
        'hr',
        'br',
        'pre',
        'code',
        'kbd',
      ],
      ...['strong', 'em', 'b', 'i', 'del', 's', 'sub', 'sup', 'mark', 'a', 'details', 'summary', 'div', 'span', 'img'],
      ...['table', 'thead', 'tbody', 'tr', 'th', 'td', 'caption'],
    ],
    allowedAttributes: {
      a: ['href', 'title', 'rel'],
      img: ['src', 'alt', 'title', 'loading'],
      ol: ['start'],
      pre: ['tabindex'],
      table: ['tabindex'],
      th: ['align', 'colspan', 'rowspan', 'scope'],
      td: ['align', 'colspan', 'rowspan'],
    },
    allowedSchemes: ['http', 'https', 'mailto'],
    allowProtocolRelative: false,
    disallowedTagsMode: 'discard',
    nestingLimit: 100,
    transformTags: {
      // The page has its own h1 and h2 above the README.
      ...Object.fromEntries(Object.entries(HEADINGS).map(([from, to]) => [from, sanitizeHtml.simpleTransform(to, {})])),
      a: (tagName, attributes) => {
        const { href, title } = attributes
        // Relative addresses refer to the author's repository.
        const external = href !== undefined && /^(?:https?:|mailto:)/i.test(href.trim())
        const attribs: Record<string, string> = external
          ? { href: href.trim(), rel: 'nofollow ugc noopener noreferrer' }
          : {}
        if (title) attribs.title = title
        return { tagName, attribs }
      },
      img: (_tagName, { src = '', alt, title }) => {
        const own = pictures.get(readmePicturePath(src) ?? readmePictureUrl(src) ?? '')
        if (own !== undefined) return { tagName: 'img', attribs: pictureAttributes(own, alt, title) }
        const text = alt?.trim() || 'picture'
        // A link in a link would end the outer one.
        const isLink = openLinks === 0 && /^https:\/\//i.test(src.trim())
        return isLink
          ? { tagName: 'a', attribs: { href: src.trim(), rel: 'nofollow ugc noopener noreferrer' }, text }
          : { tagName: 'span', attribs: {}, text }
      },
      // Scrollable elements must be reachable by keyboard.
      pre: (tagName) => ({ tagName, attribs: { tabindex: '0' } }),
      table: (tagName) => ({ tagName, attribs: { tabindex: '0' } }),
      input: (_tagName, attributes) => ({
        tagName: 'span',
        attribs: {},
        text: attributes.type === 'checkbox' ? ('checked' in attributes ? '☑ ' : '☐ ') : '',
      }),
    },
  })
}

function pictureAttributes(src: string, alt = '', title = ''): Record<string, string> {
  const attributes = { src, alt: alt.trim(), loading: 'lazy' }
  return title === '' ? attributes : Object.assign(attributes, { title })
}
