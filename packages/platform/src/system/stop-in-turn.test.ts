import { expect, test } from 'vitest'
import { createLogger } from '../log.ts'
import { endsWithin, stopInTurn } from './stop-in-turn.ts'

const logger = createLogger({ name: 'test', level: 'silent' })
const hanging = () => new Promise<void>(() => {})

test('parts are stopped in order, one after the other', async () => {
  const events: string[] = []
  const part = (name: string) => ({
    name,
    async stop() {
      events.push(`${name} starts`)
      await new Promise((resolve) => setTimeout(resolve, 5))
      events.push(`${name} ends`)
    },
  })
  await stopInTurn([part('first'), { name: 'absent', stop: () => undefined }, part('second')], { logger })
  expect(events).toEqual(['first starts', 'first ends', 'second starts', 'second ends'])
})

test('a part that hangs or fails does not prevent the others from being stopped, and the failure is thrown', async () => {
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

test('a failure after the limit is ignored', async () => {
  const late = Promise.withResolvers<void>()
  expect(await endsWithin(1, late.promise)).toBe(false)
  late.reject(new Error('too late'))
  expect(await endsWithin(1000, Promise.resolve())).toBe(true)
  expect(await endsWithin(1, undefined)).toBe(true)
  await expect(endsWithin(1000, Promise.reject(new Error('in time')))).rejects.toThrow('in time')
})
