import { t } from '../words/t.ts'

/** Enables the actions on selected jobs, and names how many there are. Without scripts, the server checks the selection. */
function followSelection(form: HTMLFormElement): void {
  const boxes = () => [...form.elements].filter((one) => one instanceof HTMLInputElement && one.type === 'checkbox')
  const chosen = () => boxes().filter((one) => one instanceof HTMLInputElement && one.checked).length
  const count = form.querySelector('[data-selected]')
  const update = () => {
    const selected = chosen()
    if (count)
      count.textContent = selected === 0 ? t('Select jobs to act on them') : t('{count} selected', { count: selected })
    for (const button of form.querySelectorAll<HTMLButtonElement>('button[data-least]'))
      button.disabled = selected < Number(button.dataset.least)
  }
  form.addEventListener('change', update)
  // A page that comes back from the history has its boxes ticked.
  addEventListener('pageshow', update)
  update()
}

const form = document.getElementById('job-selection')
if (form instanceof HTMLFormElement) followSelection(form)
