import { formatDuration, formatRelative } from '../format.ts'

/** Updates "3 minutes ago" and "running for 12 s". */
export function keepTimesCurrent(): void {
  const relative = () => {
    const now = new Date()
    for (const element of document.querySelectorAll<HTMLTimeElement>('time[data-relative]')) {
      setText(element, formatRelative(element.dateTime, now))
    }
  }
  const running = () => {
    for (const element of document.querySelectorAll<HTMLElement>('[data-since]')) {
      setText(element, formatDuration(Date.now() - Date.parse(element.dataset.since ?? '')))
    }
  }
  setInterval(relative, 15_000)
  setInterval(running, 1000)
}

function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
