import { Marked } from 'marked'
import sanitizeHtml from 'sanitize-html'

/** Longer READMEs are cut: rendering must stay quick whatever an author pushes. */
export const MAX_README_LENGTH = 200_000

const marked = new Marked({ gfm: true, async: false })

const HEADINGS: Record<string, string> = { h1: 'h3', h2: 'h4', h3: 'h5', h4: 'h6', h5: 'h6' }

/**
 * Markdown of an author nobody knows → HTML that can stand in our page: no scripts, styles, forms, frames, ids or
 * classes; links only to http, https and mailto; images only over https, loaded late and without a referrer.
 */
export function renderReadme(markdown: string): string {
  const html = marked.parse(markdown.slice(0, MAX_README_LENGTH)) as string
  return sanitizeHtml(html, {
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
      ...['strong', 'em', 'b', 'i', 'del', 's', 'sub', 'sup', 'mark', 'a', 'img', 'details', 'summary', 'div', 'span'],
      ...['table', 'thead', 'tbody', 'tr', 'th', 'td', 'caption'],
    ],
    allowedAttributes: {
      a: ['href', 'title', 'rel'],
      img: ['src', 'alt', 'title', 'width', 'height', 'loading', 'referrerpolicy', 'decoding'],
      ol: ['start'],
      pre: ['tabindex'],
      table: ['tabindex'],
      th: ['align', 'colspan', 'rowspan', 'scope'],
      td: ['align', 'colspan', 'rowspan'],
    },
    allowedSchemes: ['http', 'https', 'mailto'],
    allowedSchemesByTag: { img: ['https'] },
    allowProtocolRelative: false,
    disallowedTagsMode: 'discard',
    nestingLimit: 100,
    transformTags: {
      // The page has its own h1 and h2 above the README.
      ...Object.fromEntries(Object.entries(HEADINGS).map(([from, to]) => [from, sanitizeHtml.simpleTransform(to, {})])),
      a: (tagName, attributes) => {
        const { href, title } = attributes
        // Relative addresses mean something in the author's repository, not here.
        const external = href !== undefined && /^(?:https?:|mailto:)/i.test(href.trim())
        return {
          tagName,
          attribs: {
            ...(external ? { href: href.trim(), rel: 'nofollow ugc noopener noreferrer' } : {}),
            ...(title ? { title } : {}),
          },
        }
      },
      img: (tagName, attributes) => ({
        tagName,
        attribs: {
          alt: '',
          ...attributes,
          loading: 'lazy',
          decoding: 'async',
          referrerpolicy: 'no-referrer',
        },
      }),
      // What can scroll must be reachable by keyboard.
      pre: (tagName) => ({ tagName, attribs: { tabindex: '0' } }),
      table: (tagName) => ({ tagName, attribs: { tabindex: '0' } }),
      input: (_tagName, attributes) => ({
        tagName: 'span',
        attribs: {},
        text: attributes.type === 'checkbox' ? ('checked' in attributes ? '☑ ' : '☐ ') : '',
      }),
    },
    exclusiveFilter: (frame) => frame.tag === 'img' && !/^https:\/\//i.test(frame.attribs.src ?? ''),
  })
}
