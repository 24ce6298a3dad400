/**
 * The contract between a trainer and its platform, as zod schemas with their types.
 *
 * ```ts
 * import { TrainerManifest } from '@trainyard/contract'
 *
 * const manifest = TrainerManifest.parse(JSON.parse(text))
 * ```
 *
 * @module
 */

export * from './artifacts.ts'
export * from './bridge.ts'
export * from './classify-failure.ts'
export * from './dataset.ts'
export * from './datasets-api.ts'
export * from './describe-issue.ts'
export * from './dice.ts'
export * from './docker-login.ts'
export * from './environment.ts'
export * from './errors.ts'
export * from './events.ts'
export * from './findings.ts'
export * from './identity-api.ts'
export * from './ignore-rules.ts'
export * from './image-name.ts'
export * from './is-http-url.ts'
export * from './job-states.ts'
export * from './jobs-api.ts'
export * from './lenient.ts'
export * from './local-servers.ts'
export * from './manifest.ts'
export * from './missing-module.ts'
export * from './ownership-api.ts'
export * from './parse-setting.ts'
export * from './predictions-api.ts'
export * from './primitives.ts'
export * from './proxy-environment.ts'
export * from './publishers-api.ts'
export * from './quote-not-finite.ts'
export * from './read-report.ts'
export {
  describeOddCharacter,
  findOddCharacter,
  type OddCharacter,
  readableLine,
  trimmedLine,
  withoutOddCharacters,
} from './readable-text.ts'
export {
  MAX_README_PICTURE_BYTES,
  MAX_README_PICTURES,
  readmePicturePath,
  readmePictureUrl,
} from './readme-pictures.ts'
export * from './redact.ts'
export * from './rescans-api.ts'
export * from './resources-api.ts'
export * from './reviews-api.ts'
export * from './run-statements-api.ts'
export * from './simple.ts'
export * from './trainers-api.ts'
export * from './usage-api.ts'
export * from './webhooks-api.ts'
