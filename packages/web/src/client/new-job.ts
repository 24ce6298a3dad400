import { formatCount } from '../format.ts'
import { t } from '../words/t.ts'

/** A choice that changes the form, such as a version or a preset, shows its settings at once. What was typed stays. */
for (const select of document.querySelectorAll<HTMLSelectElement>('select[data-shows]')) {
  const shows = select.dataset.shows ?? ''
  select.addEventListener('change', () => {
    const button = select.form?.querySelector<HTMLButtonElement>(`button[name="show"][value="${shows}"]`)
    if (button) select.form?.requestSubmit(button)
  })
}

/** How many images each share is, while it is typed. */
const shares = document.querySelector<HTMLElement>('.shares[data-images]')
shares?.addEventListener('input', (event) => {
  const input = event.target
  if (!(input instanceof HTMLInputElement) || input.name === 'seed') return
  const hint = document.getElementById(`${input.id}-hint`)
  const images = Math.round((Number(shares.dataset.images) * Number(input.value)) / 100)
  if (hint && Number.isFinite(images))
    hint.textContent = t('Per cent: about {images} images', { images: formatCount(images) })
})
