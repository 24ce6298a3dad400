import { readFileSync } from 'node:fs'
import { ConfigError } from './errors.ts'
import { errorMessage } from './system/describe-error.ts'

/** Variables whose value may be in a file, as Docker and Kubernetes mount secrets. */
export const FILED_VARIABLES: readonly string[] = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'CLEARML_API_SECRET_KEY',
  'DATABASE_URL',
  'JWT_SECRET',
  'LOKI_PASSWORD',
  'LOKI_TOKEN',
  'METRICS_TOKEN',
  'MLFLOW_TRACKING_PASSWORD',
  'MLFLOW_TRACKING_TOKEN',
  'PAGES_SECRET',
  'REGISTRY_TOKEN',
  'SMTP_URL',
  'STORAGE_SECRET',
  'TEMPORAL_API_KEY',
]

/**
 * The environment with the contents of files in the place of `NAME_FILE`, for the variables in {@link FILED_VARIABLES}. The line
 * break at the end of a file is not part of the secret. Variables of files are removed, so that trainers do not inherit them.
 *
 * @throws ConfigError
 */
export function readSecretFiles(env: Record<string, string | undefined>): Record<string, string | undefined> {
  const result = { ...env }
  for (const name of FILED_VARIABLES) {
    const variable = `${name}_FILE`
    const file = env[variable]
    delete result[variable]
    if (file === undefined || file === '') continue
    if (env[name] !== undefined && env[name] !== '')
      throw new ConfigError(`${name} and ${variable} are both set; expected one of them. Remove one`)
    result[name] = readSecret(variable, file)
  }
  return result
}

function readSecret(variable: string, file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new ConfigError(
      `${variable} is "${file}", which cannot be read: ${errorMessage(error)}. Expected a file that this user can read, with the secret as its content`,
      { cause: error },
    )
  }
  if (text === '')
    throw new ConfigError(`${variable} is "${file}", which is empty; expected a file with the secret as its content`)
  return text
}
