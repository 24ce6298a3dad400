import { BRIDGE_PROGRAM } from '@trainyard/contract'
import type { LaunchRequest } from './launcher.ts'

/** Program and arguments of an attempt. `start` starts the bridge, by default by its name, from PATH. */
export function programOf(
  { argv, bridge }: Pick<LaunchRequest, 'argv' | 'bridge'>,
  start: readonly string[] = [BRIDGE_PROGRAM],
): readonly string[] {
  return bridge === undefined ? argv : [...start, ...bridge, ...argv]
}
