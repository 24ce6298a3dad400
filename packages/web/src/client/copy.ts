import { t } from '../words/t.ts'

/** Shows and enables the copy buttons. */
export function enableCopying(): void {
  // Browsers offer it over https and on localhost only.
  if (navigator.clipboard === undefined) return
  for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-copy]')) {
    button.hidden = false
    button.addEventListener('click', async () => {
      const text = button.parentElement?.querySelector('pre')?.textContent ?? ''
      const copied = await navigator.clipboard.writeText(text).then(
        () => true,
        () => false,
      )
      button.textContent = copied ? t('Copied') : t('Not allowed')
      setTimeout(() => {
        button.textContent = t('Copy')
      }, 2000)
    })
  }
}
