import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

/** 2^15 × 8 × 1: 32 MiB and about a tenth of a second. The parameters are kept with each hash, so they can be raised. */
const COST = { N: 2 ** 15, r: 8, p: 1 }
const KEY_BYTES = 32

/** `scrypt$N$r$p$salt$key`, salt and key in base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const key = await derive(password.normalize('NFKC'), salt, KEY_BYTES, { ...COST, maxmem: memoryFor(COST) })
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), key.toString('base64url')].join('$')
}

/** Takes as long for nobody's password as for somebody's: without a hash, one that fits nothing is compared. */
export async function verifyPassword(password: string, hash: string | undefined): Promise<boolean> {
  const [name, N, r, p, salt = '', key = ''] = (hash ?? NOBODY).split('$')
  if (name !== 'scrypt') return false
  const cost = { N: Number(N), r: Number(r), p: Number(p) }
  const wanted = Buffer.from(key, 'base64url')
  const seen = await derive(password.normalize('NFKC'), Buffer.from(salt, 'base64url'), wanted.length, {
    ...cost,
    maxmem: memoryFor(cost),
  })
  return timingSafeEqual(seen, wanted) && hash !== undefined
}

const NOBODY = ['scrypt', COST.N, COST.r, COST.p, 'A'.repeat(22), 'A'.repeat(43)].join('$')

/** Node's own limit is just below what 2^15 needs. */
function memoryFor({ N, r }: { N: number; r: number }): number {
  return 256 * N * r
}
