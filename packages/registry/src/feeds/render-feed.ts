import { html, raw } from 'hono/html'

export interface FeedItem {
  /** Readers show an item once, whatever its text becomes. */
  id: string
  title: string
  text: string
  url: string
  at: Date
}

export interface Feed {
  title: string
  text: string
  url: string
  items: readonly FeedItem[]
}

/** An RSS 2.0 document. */
export function renderFeed({ title, text, url, items }: Feed): string {
  const channel = items.map(
    (item) =>
      html`<item><title>${clean(item.title)}</title><link>${clean(item.url)}</link><guid isPermaLink="false">${clean(item.id)}</guid><pubDate>${item.at.toUTCString()}</pubDate><description>${clean(item.text)}</description></item>`,
  )
  return String(
    html`${raw('<?xml version="1.0" encoding="UTF-8"?>')}<rss version="2.0"><channel><title>${clean(title)}</title><link>${clean(url)}</link><description>${clean(text)}</description>${channel}</channel></rss>`,
  )
}

/** XML cannot contain these characters, not even escaped. */
const clean = (text: string): string =>
  text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
