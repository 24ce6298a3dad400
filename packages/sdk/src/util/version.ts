/** A test compares it with package.json. */
export const SDK_VERSION = '0.1.0'
/** As `started` reports it. */
export const SDK_NAME = `@trainyard/sdk ${SDK_VERSION}`
