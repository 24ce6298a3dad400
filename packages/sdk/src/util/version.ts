/** A test compares it with package.json. */
const VERSION = '0.1.0'
/** As `started` reports it. */
export const SDK_NAME = `@trainyard/sdk ${VERSION}`
