/** The version that caches and conversions record. A test compares it with package.json. */
const VERSION = '0.1.0'
export const DATASETS_NAME = `@trainyard/datasets ${VERSION}`
