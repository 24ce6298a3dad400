/** Buttons whose form has `data-confirm` open the dialog with that id, which contains the form that acts. */
export function enableConfirming(): void {
  // On the document, because live updates may replace the form.
  document.addEventListener('submit', (event) => {
    const form = event.target
    if (!(form instanceof HTMLFormElement)) return
    const dialog = document.getElementById(form.dataset.confirm ?? '')
    if (!(dialog instanceof HTMLDialogElement)) return
    event.preventDefault()
    dialog.showModal()
  })
  // A click outside the dialog closes it, as Escape does.
  document.addEventListener('click', (event) => {
    if (event.target instanceof HTMLDialogElement) event.target.close()
  })
}
