import manifest from '../../package.json' with { type: 'json' }

/** As `started` reports it. */
export const SDK_NAME = `@trainyard/sdk ${manifest.version}`
