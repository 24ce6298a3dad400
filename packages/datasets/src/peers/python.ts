import { spawnSync } from 'node:child_process'

/** A Python with some of the peers. Without it their tests are skipped. */
export const python = process.env.TRAINYARD_PEERS_PYTHON

export function hasPeer(module: string): boolean {
  if (python === undefined) return false
  const look = `import importlib.util as u, sys; sys.exit(u.find_spec('${module}') is None)`
  return spawnSync(python, ['-c', look]).status === 0
}

/** The JSON that a script of this folder prints. Undefined when the peer is not installed. */
export function askPeer<T>(script: string, peer: string, ...args: string[]): T | undefined {
  const path = new URL(script, import.meta.url).pathname
  const env = { ...process.env, YOLO_VERBOSE: 'false', YOLO_AUTOINSTALL: 'false' }
  const result = spawnSync(python ?? '', [path, peer, ...args], { env, encoding: 'utf8', maxBuffer: 1 << 26 })
  if (result.status === 3) return undefined
  if (result.status !== 0) throw new Error(`${peer} failed: ${result.stderr.slice(-3000)}`)
  return JSON.parse(result.stdout)
}

/** A ring of a polygon. */
export const square = (x: number, y: number, size: number) => [x, y, x + size, y, x + size, y + size, x, y + size]
