/**
 * The settings that a job receives, and the source of each.
 *
 * @module
 */

export { type ExplainedSetting, explainConfig, resolveConfig } from './resolve-config.ts'
