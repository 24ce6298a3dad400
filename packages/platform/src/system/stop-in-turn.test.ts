import { expect, test } from 'vitest'
import { createLogger } from '../log.ts'
import { endsWithin, stopInTurn } from './stop-in-turn.ts'

const logger = createLogger({ name: 'test', level: 'silent' })
const hanging = () => new Promise<void>(() => {})

test('parts are stopped in their order, one after the other', async () => {
  const said: string[] = []
  const part = (name: string) => ({
    name,
    async stop() {
      said.push(`${name} begins`)
      await new Promise((resolve) => setTimeout(resolve, 5))
      said.push(`${name} is over`)
    },
  })
  await stopInTurn([part('first'), { name: 'absent', stop: () => undefined }, part('second')], { logger })
  expect(said).toEqual(['first begins', 'first is over', 'second begins', 'second is over'])
})

test('one that hangs or fails does not keep the others from it, and the failure is told', async () => {
  const stopped: string[] = []
  const parts = [
    { name: 'hangs', stop: hanging },
    { name: 'fails', stop: () => Promise.reject(new Error('no more')) },
    { name: 'hangs too', stop: hanging },
    { name: 'last', stop: async () => void stopped.push('last') },
  ]
  await expect(stopInTurn(parts, { logger, withinMs: 100 })).rejects.toThrow('no more')
  expect(stopped).toEqual(['last'])
})

test('a failure that comes too late is nobody’s', async () => {
  const late = Promise.withResolvers<void>()
  expect(await endsWithin(1, late.promise)).toBe(false)
  late.reject(new Error('too late'))
  expect(await endsWithin(1000, Promise.resolve())).toBe(true)
  expect(await endsWithin(1, undefined)).toBe(true)
  await expect(endsWithin(1000, Promise.reject(new Error('in time')))).rejects.toThrow('in time')
})
