/** Checks settings against the schema of a manifest, in a thread: a stranger's schema can take hours, and is then ended. */
import { parentPort } from 'node:worker_threads'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { SettingsError, SettingsOrder, SettingsOutcome } from './settings-messages.ts'

/** A person reads no more. A schema with `allErrors` finds one for each value. */
const MAX_ERRORS = 50

parentPort?.on('message', (order: SettingsOrder) => parentPort?.postMessage(check(order)))

function check({ schema, settings }: SettingsOrder): SettingsOutcome {
  // A new instance each time, because schemas of different trainers must not share `$id`s. `strict` rejects `x-` keywords.
  const ajv = new Ajv2020({ allErrors: true, useDefaults: true, strict: false, verbose: true, validateFormats: false })
  let validate: ValidateFunction
  try {
    validate = ajv.compile({ type: 'object', ...schema })
    if (validate(settings)) return { type: 'valid', settings }
  } catch (error) {
    // A schema that refers to itself without end fails when it is used.
    return { type: 'bad-schema', reason: String(error).slice(0, 1000) }
  }
  const errors = (validate.errors ?? []).slice(0, MAX_ERRORS).map(
    ({ instancePath, keyword, params, message, data }): SettingsError => ({
      instancePath,
      keyword,
      params,
      message,
      data: cut(data),
    }),
  )
  return { type: 'invalid', errors }
}

function cut(value: unknown): unknown {
  const text = JSON.stringify(value) ?? 'undefined'
  return text.length <= 200 ? value : `${text.slice(0, 200)}…`
}
