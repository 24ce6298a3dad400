/**
 * A trainer's settings as a job sees them, with where each came from.
 *
 * @module
 */

export { type ExplainedSetting, explainConfig, resolveConfig } from './resolve-config.ts'
