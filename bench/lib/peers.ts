import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where `bench/peers/setup.sh` puts the peers, unless told otherwise. */
export const PEERS_PYTHON =
  process.env.TRAINYARD_PEERS_PYTHON ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'trainyard/peers-venv/bin/python')

/** Whether a peer is installed. Names it on stderr where it is missing. */
export function hasPeer(name: string): boolean {
  const found = existsSync(PEERS_PYTHON) && spawnSync(PEERS_PYTHON, ['-c', `import ${name}`]).status === 0
  if (!found) console.error(`${name} is not installed (run bench/peers/setup.sh): not compared`)
  return found
}
