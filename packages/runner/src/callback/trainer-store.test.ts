import type { ObjectStore } from '@trainyard/platform'
import { expect, it } from 'vitest'
import { storeForTrainers } from './trainer-store.ts'

const signed = (url: string) => ({ method: 'GET' as const, url, headers: {}, expiresAt: '2026-01-01T00:00:00Z' })
const storeAt = (origin: string): ObjectStore =>
  ({ signGet: async (key: string) => signed(`${origin}/storage/${key}?sig=a%2Fb`) }) as unknown as ObjectStore
const urlOf = async (store: ObjectStore) => (await store.signGet('a/b.png')).url

it('signs URLs at the address at which trainers reach the runner', async () => {
  const config = { publicUrl: 'http://127.0.0.1:7600', callbackUrl: 'http://host.docker.internal:7600/' }
  expect(await urlOf(storeForTrainers(storeAt('http://127.0.0.1:7600'), config))).toBe(
    'http://host.docker.internal:7600/storage/a/b.png?sig=a%2Fb',
  )
})

it('leaves the URLs of an external store unchanged', async () => {
  const config = { publicUrl: 'http://127.0.0.1:7600', callbackUrl: 'http://host.docker.internal:7600' }
  expect(await urlOf(storeForTrainers(storeAt('https://s3.example'), config))).toMatch(/^https:\/\/s3\.example\//)
})

it('is the store itself when trainers use the public URL', () => {
  const store = storeAt('http://127.0.0.1:7600')
  expect(storeForTrainers(store, { publicUrl: 'http://127.0.0.1:7600/' })).toBe(store)
})
