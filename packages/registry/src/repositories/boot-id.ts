import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'

/**
 * Differs after each start of the machine, or of this process where the machine has no such id: what was written and not
 * synced before can be lost.
 */
export const BOOT_ID = readBootId()

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().replaceAll('-', '')
  } catch {
    return randomUUID().replaceAll('-', '')
  }
}
