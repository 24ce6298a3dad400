import { plural } from '../format.ts'
import { t } from '../words/t.ts'

/** More lines make scrolling slow on phones; the oldest are removed. */
const MAX_LINES = 2000
/** Distance from the end that still counts as the end, in px. */
const NEAR_END = 40

export interface LogView {
  /**
   * Adds list items. Ids that are already shown are skipped. `previousId` is the line before the first one: if it is not
   * shown either, the lines between are fetched, and those that do not fit are marked.
   */
  add(html: string, previousId: number | undefined): void
}

/** The log: filtered by level; follows the end until the user scrolls up or pauses. */
export function createLogView(jobId: number): LogView | undefined {
  const view = document.getElementById('log-view')
  const list = document.getElementById('log-lines')
  const form = document.getElementById('log-filter')
  const level = document.getElementById('log-level')
  if (!view || !list || !(form instanceof HTMLFormElement) || !(level instanceof HTMLSelectElement)) return undefined

  const follower = list.dataset.scroll === 'end' ? createFollower(view) : { lineAdded: () => {} }
  const served = form.dataset.servedLevel ?? 'debug'
  filterByLevel(form, level, { list, served, onFilter: () => follower.lineAdded() })
  const gaps = createGaps(list, { jobId, level: served, onLoaded: () => follower.lineAdded() })
  // Another part of the log, or a search: new lines would be in the wrong place.
  if (list.dataset.follows === undefined) return { add: () => {} }

  let lastId = Number(list.lastElementChild?.getAttribute('data-id') ?? 0)
  return {
    add(html, previousId) {
      const items = [...parseItems(html).children].filter((line) => idOf(line) > lastId)
      const [first] = items
      if (first === undefined) return
      const missedAfter = previousId !== undefined && previousId > lastId ? lastId : undefined
      for (const empty of view.querySelectorAll<HTMLElement>('.log-empty')) empty.hidden = true
      if (missedAfter !== undefined) void gaps.open(missedAfter, idOf(first))
      list.append(...items)
      lastId = idOf(items.at(-1) ?? first)
      removeOldest(list)
      follower.lineAdded()
    },
  }
}

const idOf = (line: Element): number => Number(line.getAttribute('data-id'))

function parseItems(html: string): DocumentFragment {
  const template = document.createElement('template')
  template.innerHTML = html
  return template.content
}

/** Follows the end of the log until the user scrolls up or pauses. */
function createFollower(view: HTMLElement): { lineAdded(): void } {
  const button = document.getElementById('log-follow')
  let following = true
  const toEnd = () => {
    view.scrollTop = view.scrollHeight
  }
  const setFollowing = (value: boolean) => {
    following = value
    if (button) {
      button.textContent = value ? t('Pause') : t('Follow')
      button.setAttribute('aria-label', value ? t('Pause following the log') : t('Follow the log'))
    }
    if (value) toEnd()
  }
  // Exists only while the job is live.
  if (button) button.hidden = false
  button?.addEventListener('click', () => setFollowing(!following))
  view.addEventListener('scroll', () => {
    const atEnd = view.scrollHeight - view.scrollTop - view.clientHeight < NEAR_END
    if (!atEnd && following) setFollowing(false)
    else if (atEnd && !following) setFollowing(true)
  })
  setFollowing(true)
  return { lineAdded: () => following && toEnd() }
}

interface FilterOptions {
  list: HTMLElement
  /** The lowest level of the lines that the page has. */
  served: string
  onFilter(): void
}

function filterByLevel(
  form: HTMLFormElement,
  level: HTMLSelectElement,
  { list, served, onFilter }: FilterOptions,
): void {
  const levels = [...level.options].map((option) => option.value)
  level.addEventListener('change', () => {
    // The page lacks lines below the requested level: load it again.
    if (levels.indexOf(level.value) < levels.indexOf(served)) {
      form.requestSubmit()
      return
    }
    list.dataset.level = level.value
    onFilter()
  })
}

/** Marks of lines that were missed, with a button that loads them. */
function createGaps(
  list: HTMLElement,
  { jobId, level, onLoaded }: { jobId: number; level: string; onLoaded(): void },
): { open(after: number, before: number): Promise<void> } {
  const load = async (mark: HTMLElement): Promise<void> => {
    const { after = '0', before = '1' } = mark.dataset
    mark.textContent = t('Loading missed lines …')
    try {
      const response = await fetch(`/jobs/${jobId}/log-gap?${new URLSearchParams({ after, before, level })}`)
      if (!response.ok) throw new Error(`status ${response.status}`)
      mark.replaceWith(parseItems(await response.text()))
      onLoaded()
    } catch {
      mark.replaceChildren(`${t('Some lines are not shown')} `, createButton())
    }
  }
  list.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('.log-gap button') : null
    const mark = button?.closest<HTMLElement>('.log-gap')
    if (mark) void load(mark)
  })
  return {
    async open(after, before) {
      const mark = document.createElement('li')
      mark.className = 'log-gap'
      mark.dataset.after = String(after)
      mark.dataset.before = String(before)
      list.append(mark)
      await load(mark)
    },
  }
}

function createButton(): HTMLButtonElement {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'quiet'
  button.textContent = t('Load')
  return button
}

/** Removes lines beyond the limit, and counts them in the mark above the log. */
function removeOldest(list: HTMLElement): void {
  let removed = 0
  let lastRemoved = 0
  while (list.childElementCount > MAX_LINES) {
    const oldest = list.firstElementChild
    // A gap cannot be counted; the mark above then says only that lines exist.
    if (oldest?.classList.contains('log-gap')) removed = Number.NaN
    else {
      removed += 1
      lastRemoved = oldest === null ? lastRemoved : idOf(oldest)
    }
    oldest?.remove()
  }
  const mark = document.getElementById('log-earlier')
  if (removed === 0 || !mark) return
  const count = Number(mark.dataset.count) + removed
  mark.dataset.count = String(count)
  mark.hidden = false
  mark.querySelector('.log-numbers')?.remove()
  const text = mark.querySelector('span')
  if (text)
    text.textContent = Number.isNaN(count)
      ? t('Earlier lines are not shown.')
      : plural(count, '{count} earlier line is not shown.', '{count} earlier lines are not shown.')
  const link = mark.querySelector<HTMLAnchorElement>('a[rel="prev"]')
  if (!link) return
  const url = new URL(link.href)
  url.searchParams.set('before', String(lastRemoved + 1))
  link.href = url.href
}
