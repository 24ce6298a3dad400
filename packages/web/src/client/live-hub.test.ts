import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLiveHub, type HubMessage, type LiveSource } from './live-hub.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Connections that a test plays. */
function playSources() {
  const opened: { url: string; closed: boolean; send(name: string, data?: unknown): void; source: LiveSource }[] = []
  const open = (url: string): LiveSource => {
    const listeners = new Map<string, (event: { data: string }) => void>()
    const source: LiveSource = {
      readyState: 0,
      addEventListener: (name, listener) => listeners.set(name, listener),
      close: () => {
        entry.closed = true
      },
    }
    const entry = {
      url,
      closed: false,
      source,
      send: (name: string, data?: unknown) => listeners.get(name)?.({ data: JSON.stringify(data) }),
    }
    opened.push(entry)
    return source
  }
  return { opened, hub: createLiveHub(open) }
}

function page(jobId: number) {
  const heard: HubMessage[] = []
  return { jobId, heard, post: (message: HubMessage) => heard.push(message) }
}

test('seven tabs share one connection, and each hears of its own job only', () => {
  const { opened, hub } = playSources()
  const pages = [1, 2, 3, 4, 5, 6, 6].map(page)
  for (const one of pages) hub.add(one)
  vi.advanceTimersByTime(100)
  expect(opened.map(({ url }) => url)).toEqual(['/jobs/live?ids=1,2,3,4,5,6'])
  opened[0]?.send('open')
  opened[0]?.send('job', { jobId: 6, name: 'state', data: { word: 'Running' } })
  expect(pages.map(({ heard }) => heard.length)).toEqual([1, 1, 1, 1, 1, 2, 2])
  expect(pages[6]?.heard[1]).toEqual({ type: 'event', name: 'state', data: { word: 'Running' } })
})

test('a page that joins gets a connection that starts with a snapshot, and the old one is closed', () => {
  const { opened, hub } = playSources()
  hub.add(page(1))
  vi.advanceTimersByTime(100)
  hub.add(page(2))
  vi.advanceTimersByTime(100)
  expect(opened.map(({ url, closed }) => [url, closed])).toEqual([
    ['/jobs/live?ids=1', true],
    ['/jobs/live?ids=1,2', false],
  ])
})

test('nothing stays open when the last page leaves or the last job ends', () => {
  const { opened, hub } = playSources()
  const [first, second] = [page(1), page(2)]
  hub.add(first)
  hub.add(second)
  vi.advanceTimersByTime(100)
  hub.remove(first)
  expect(opened[0]?.closed).toBe(false)
  opened[0]?.send('job', { jobId: 2, name: 'end', data: {} })
  expect(opened[0]?.closed).toBe(true)
  expect(second.heard.at(-1)).toEqual({ type: 'event', name: 'end', data: {} })
})

test('a refused connection is opened again, and pages are told that they are not live', () => {
  const { opened, hub } = playSources()
  const one = page(1)
  hub.add(one)
  vi.advanceTimersByTime(100)
  const [first] = opened
  if (first === undefined) throw new Error('Nothing was opened')
  first.source.readyState = 2
  first.send('error')
  expect(one.heard).toEqual([{ type: 'connected', open: false }])
  vi.advanceTimersByTime(3000)
  expect(opened).toHaveLength(2)
})
