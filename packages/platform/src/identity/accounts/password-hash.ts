import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

/** 2^15 × 8 × 1: 32 MiB and about 0.1 s. Each hash includes its parameters, so that they can be raised later. */
const COST = { N: 2 ** 15, r: 8, p: 1 }
const KEY_BYTES = 32

/** Compared when there is no hash, so that an unknown account takes the same time. No password matches it. */
const PLACEHOLDER = ['scrypt', COST.N, COST.r, COST.p, 'A'.repeat(22), 'A'.repeat(43)].join('$')

/** `scrypt$N$r$p$salt$key`, with salt and key in base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const key = await derive(password.normalize('NFKC'), salt, KEY_BYTES, { ...COST, maxmem: memoryFor(COST) })
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), key.toString('base64url')].join('$')
}

/** Takes the same time with and without a hash. Without one, the answer is false. */
export async function verifyPassword(password: string, hash: string | undefined): Promise<boolean> {
  const [name, N, r, p, salt = '', key = ''] = (hash ?? PLACEHOLDER).split('$')
  if (name !== 'scrypt') return false
  const cost = { N: Number(N), r: Number(r), p: Number(p) }
  const expected = Buffer.from(key, 'base64url')
  const actual = await derive(password.normalize('NFKC'), Buffer.from(salt, 'base64url'), expected.length, {
    ...cost,
    maxmem: memoryFor(cost),
  })
  return timingSafeEqual(actual, expected) && hash !== undefined
}

/** Node's default limit is just below what N = 2^15 needs. */
function memoryFor({ N, r }: { N: number; r: number }): number {
  return 256 * N * r
}
