import { expect, it } from 'vitest'
import { SearchIndex, type SearchSort } from './search-index.ts'
import { waysOf } from './words.ts'

function ask(index: SearchIndex, word: string, sort: SearchSort = 'relevance') {
  const text =
    word === '' ? undefined : { ways: waysOf([word], new Map()), understood: new Map<string, string>(), key: word }
  const { found, total } = index.search({ text, filters: {}, sort, after: undefined, limit: 5 })
  return { ids: found.map(({ id }) => id), total }
}

function entry(id: number, words: string) {
  return { id, facetId: 1, popularity: id % 7, publishedAt: id, name: `team/trainer-${id}`, words }
}

it('answers the same after trainers were changed so often that their old slots were collected', () => {
  const index = new SearchIndex()
  index.groups.add({
    id: 1,
    task_types: ['detection'],
    framework: 'pytorch',
    export_formats: [],
    dataset_formats: [],
    license: 'MIT',
    tier: '',
  })
  for (let id = 1; id <= 50; id++) index.set(entry(id, `title${id}\ntag\nall`))
  for (let round = 0; round < 60; round++)
    for (let id = 1; id <= 50; id++) index.set(entry(id, `title${id} round${round}\ntag\nall`))
  for (let id = 41; id <= 50; id++) index.delete(id)

  expect(index.size).toBe(40)
  expect(ask(index, '', 'newest')).toEqual({ ids: [40, 39, 38, 37, 36], total: 40 })
  expect(ask(index, 'all').total).toBe(40)
  expect(ask(index, 'title17')).toEqual({ ids: [17], total: 1 })
  expect(ask(index, 'round59').total).toBe(40)
  expect([ask(index, 'round58').total, index.hasBeginning('title4')]).toEqual([0, true])
  expect(ask(index, 'teamtrainer7')).toEqual({ ids: [7], total: 1 })
})

it('weighs a word in the title more than a tag, and a tag more than the description', () => {
  const index = new SearchIndex()
  index.groups.add({
    id: 1,
    task_types: [],
    framework: '',
    export_formats: [],
    dataset_formats: [],
    license: '',
    tier: '',
  })
  index.set({ ...entry(1, 'x\ny\nword'), popularity: 3 })
  index.set({ ...entry(2, 'x\nword\ny'), popularity: 2 })
  index.set({ ...entry(3, 'words\nx\ny'), popularity: 1 })
  index.set({ ...entry(4, 'word\nx\ny'), popularity: 0 })
  expect(ask(index, 'word').ids).toEqual([4, 3, 2, 1])
})
