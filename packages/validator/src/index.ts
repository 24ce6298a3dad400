/**
 * Checks a trainer: static rules, a search for secrets, and a compliance run on the real runner.
 *
 * ```ts
 * import { renderPretty, validateTrainer } from '@trainyard/validator'
 *
 * const report = await validateTrainer({ dir: './my-trainer', phases: ['static', 'security'] })
 * console.log(renderPretty(report, { color: false }))
 * ```
 *
 * @module
 */

export { UsageError } from './errors.ts'
export { FORMATS, type Format, RENDERERS } from './render/formats.ts'
export { renderJson } from './render/json.ts'
export { type PrettyOptions, renderPretty } from './render/pretty.ts'
export type { Rule, RuleFinding } from './rule.ts'
export { RULES } from './rules/index.ts'
export { type LoadedImage, type LoadImageOptions, loadImageToRun, type RunnableImage } from './run-image.ts'
export { type ValidateLoadedImageOptions, validateLoadedImage } from './validate-loaded-image.ts'
export { type ValidateTargetOptions, validateTarget } from './validate-target.ts'
export { type ValidateOptions, validateTrainer } from './validate-trainer.ts'
export { exitCodeOf, PROFILES, type Profile } from './verdict.ts'
export { VERSION } from './version.ts'
