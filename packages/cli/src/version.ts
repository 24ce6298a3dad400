import manifest from '../package.json' with { type: 'json' }

/** The version of this package, which is that of all public packages. */
export const VERSION: string = manifest.version
