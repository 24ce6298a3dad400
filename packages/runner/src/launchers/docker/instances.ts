import { randomBytes } from 'node:crypto'
import { processIdentity } from '@trainyard/platform'

/** Characters that a name of an image cannot have. */
const OTHERS = /[^a-z0-9]+/g
const OWNED = /^[0-9a-f]{8}-(\d+)-([a-z0-9-]+)$/

/** A mark that names this process. When it has ended, what carries the mark in an engine of this machine can be removed. */
export async function createInstanceId(): Promise<string> {
  return `${randomBytes(4).toString('hex')}-${process.pid}-${await readIdentity(process.pid)}`
}

/** Whether a mark of {@link createInstanceId} names a process that has ended. False for all other marks. */
export async function hasEnded(instanceId: string): Promise<boolean> {
  const [, pid, identity] = OWNED.exec(instanceId) ?? []
  return pid !== undefined && (await readIdentity(Number(pid))) !== identity
}

async function readIdentity(pid: number): Promise<string | undefined> {
  return (await processIdentity(pid))?.toLowerCase().replaceAll(OTHERS, '-')
}
