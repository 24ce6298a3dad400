import { find, morph, parseElement } from './dom.ts'

/** Follows the checks of a push while they run. At the verdict, the page is loaded again, with its forms. */
function follow(section: HTMLElement, address: string): void {
  const source = new EventSource(address)
  source.addEventListener('checks', (event: MessageEvent<string>) => {
    const next = parseElement(event.data)
    if (next !== undefined) morph(section, next)
  })
  source.addEventListener('end', () => {
    source.close()
    location.reload()
  })
}

const section = find('push-checks', HTMLElement)
const address = section?.dataset.live
if (section && address !== undefined) follow(section, address)
