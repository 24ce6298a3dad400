import manifest from '../../package.json' with { type: 'json' }

/** As caches and conversions record it. */
export const DATASETS_NAME = `@trainyard/datasets ${manifest.version}`
