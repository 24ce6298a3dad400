/** The element with an id, if it has the expected type. */
export function find<T extends Element>(id: string, kind: abstract new (...args: never[]) => T): T | undefined {
  const element = document.getElementById(id)
  return element instanceof kind ? element : undefined
}

/** The single element of an HTML fragment from our own server. */
export function parseElement(html: string): Element | undefined {
  const template = document.createElement('template')
  template.innerHTML = html
  return template.content.firstElementChild ?? undefined
}

// Attributes that the user or the browser sets, not the server.
const KEPT = new Set(['open', 'aria-pressed'])

/** Makes `from` equal to `to` with minimal changes, so that focus, selection and transitions survive. */
export function morph(from: Element, to: Element): void {
  if (from.tagName !== to.tagName) {
    from.replaceWith(to)
    return
  }
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !KEPT.has(name)) from.removeAttribute(name)
  }
  for (const { name, value } of [...to.attributes]) {
    if (from.getAttribute(name) !== value && !KEPT.has(name)) from.setAttribute(name, value)
  }
  const next = [...to.childNodes]
  const present = [...from.childNodes]
  for (const [index, child] of next.entries()) {
    const old = present[index]
    if (old === undefined) from.append(child)
    else if (old instanceof Element && child instanceof Element) morph(old, child)
    else if (old instanceof Text && child instanceof Text) {
      if (old.data !== child.data) old.data = child.data
    } else old.replaceWith(child)
  }
  for (const old of present.slice(next.length)) old.remove()
}
