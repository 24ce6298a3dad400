/** Name and version as `started` reports them; a test compares it with package.json. */
export const SDK_VERSION = '0.1.0'
export const SDK_NAME = `@trainyard/sdk ${SDK_VERSION}`
