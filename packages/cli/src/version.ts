import manifest from '../package.json' with { type: 'json' }

/** The version of this package, which is that of all public packages. */
export const VERSION: string = manifest.version

/** The oldest Node.js that this package runs on, for example "22.19". */
export const MIN_NODE: string = manifest.engines.node.replace('>=', '')

/** Whether a version of Node.js, such as "22.12.0", is older than the oldest that this package runs on. */
export function isOldNode(version: string): boolean {
  return version.localeCompare(MIN_NODE, 'en', { numeric: true }) < 0
}
