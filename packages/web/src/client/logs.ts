/** More lines make scrolling slow on phones; the oldest are removed. */
const MAX_LINES = 2000
/** Distance from the end that still counts as the end, in px. */
const NEAR_END = 40

export interface LogView {
  /** Adds list items. Ids that are already shown are skipped. */
  add(html: string): void
}

/** The log: filtered by level; follows the end until the user scrolls up or pauses. */
export function createLogView(): LogView | undefined {
  const view = document.getElementById('log-view')
  const list = document.getElementById('log-lines')
  const follow = document.getElementById('log-follow')
  const form = document.getElementById('log-filter')
  const level = document.getElementById('log-level')
  if (!view || !list || !(form instanceof HTMLFormElement) || !(level instanceof HTMLSelectElement)) return undefined

  let following = true
  let lastId = Number(list.lastElementChild?.getAttribute('data-id') ?? 0)
  const toEnd = () => {
    view.scrollTop = view.scrollHeight
  }
  const setFollowing = (value: boolean) => {
    following = value
    if (follow) {
      follow.textContent = value ? 'Pause' : 'Follow'
      follow.setAttribute('aria-label', value ? 'Pause following the log' : 'Follow the log')
    }
    if (value) toEnd()
  }

  // Exists only while the job is live.
  if (follow) follow.hidden = false
  follow?.addEventListener('click', () => setFollowing(!following))
  view.addEventListener('scroll', () => {
    const atEnd = view.scrollHeight - view.scrollTop - view.clientHeight < NEAR_END
    if (!atEnd && following) setFollowing(false)
    else if (atEnd && !following) setFollowing(true)
  })

  const served = form.dataset.servedLevel ?? 'debug'
  const levels = [...level.options].map((option) => option.value)
  level.addEventListener('change', () => {
    // The page lacks lines below the requested level: load it again.
    if (levels.indexOf(level.value) < levels.indexOf(served)) {
      form.requestSubmit()
      return
    }
    list.dataset.level = level.value
    if (following) toEnd()
  })
  setFollowing(true)

  return {
    add(html) {
      const template = document.createElement('template')
      template.innerHTML = html
      for (const line of [...template.content.children]) {
        const id = Number(line.getAttribute('data-id'))
        if (id <= lastId) line.remove()
        else lastId = id
      }
      if (template.content.childElementCount === 0) return
      for (const empty of view.querySelectorAll<HTMLElement>('.log-empty')) empty.hidden = true
      list.append(template.content)
      while (list.childElementCount > MAX_LINES) list.firstElementChild?.remove()
      if (following) toEnd()
    },
  }
}
