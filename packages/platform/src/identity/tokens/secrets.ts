import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

const PREFIX = 'ty_'
const RANDOM_BYTES = 24

/** `ty_`, 192 random bits and a checksum: secret scanners recognise a leaked one, and a typo is detected without a query. */
export function newSecret(): string {
  const random = randomBytes(RANDOM_BYTES).toString('hex')
  return `${PREFIX}${random}${checksum(random)}`
}

export function isWellFormedSecret(secret: string): boolean {
  const match = /^ty_([0-9a-f]{48})([0-9a-f]{8})$/.exec(secret)
  return match !== null && checksum(match[1] ?? '') === match[2]
}

/** A fast hash without salt is enough: 192 random bits cannot be guessed. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}
