import { createHash, randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { consumeBody } from './consume-body.ts'

async function* inChunks(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) {
    yield bytes.subarray(at, at + size)
    await setImmediate()
  }
}

const digestOf = (algorithm: string, bytes: Buffer) => createHash(algorithm).update(bytes).digest('hex')

it.each([0, 1, 256 * 1024, 1024 * 1024, 1024 * 1024 + 1, 5_000_000])(
  'hashes and writes a body of %i bytes, beside others',
  async (size) => {
    const bodies = [randomBytes(size), randomBytes(size), randomBytes(size)]
    await Promise.all(
      bodies.map(async (body) => {
        const written: Buffer[] = []
        const { sizeBytes, digests } = await consumeBody(inChunks(body, 65_536), {
          algorithms: ['sha256', 'sha512'],
          write: async (bytes) => written.push(Buffer.from(bytes)),
        })
        expect([sizeBytes, digests]).toEqual([
          size,
          { sha256: digestOf('sha256', body), sha512: digestOf('sha512', body) },
        ])
        expect(Buffer.concat(written).equals(body)).toBe(true)
      }),
    )
  },
)

it('hashes and writes a body in very small chunks', async () => {
  const body = randomBytes(5000)
  const written: Buffer[] = []
  const { digests } = await consumeBody(inChunks(body, 3), {
    write: async (bytes) => written.push(Buffer.from(bytes)),
    holdShort: true,
  })
  expect(digests).toEqual({ sha256: digestOf('sha256', body) })
  expect(Buffer.concat(written).equals(body)).toBe(true)
})

it('returns a short body instead of writing it, when told so', async () => {
  const body = randomBytes(200_000)
  const write = async () => expect.unreachable()
  const { digests, held = [] } = await consumeBody(inChunks(body, 65_536), { write, holdShort: true })
  expect(digests).toEqual({ sha256: digestOf('sha256', body) })
  expect(Buffer.concat(held).equals(body)).toBe(true)
})

it('reads many large bodies at the same time', async () => {
  const bodies = Array.from({ length: 12 }, (_, index) => Buffer.alloc(9_000_000, index + 1))
  const read = await Promise.all(bodies.map(async (body) => await consumeBody(inChunks(body, 1_000_000))))
  expect(read.map(({ digests }) => digests.sha256)).toEqual(bodies.map((body) => digestOf('sha256', body)))
})

it('fails with the error of the disk, and of the sender', async () => {
  const write = async () => {
    throw new Error('ENOSPC')
  }
  await expect(consumeBody(inChunks(randomBytes(8_000_000), 65_536), { write })).rejects.toThrow('ENOSPC')
  const broken = async function* () {
    yield randomBytes(3_000_000)
    throw new Error('the sender went away')
  }
  await expect(consumeBody(broken())).rejects.toThrow('the sender went away')
})
