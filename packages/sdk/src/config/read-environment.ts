import { describeIssue, TrainerEnvironment } from '@trainyard/contract'
import { ConfigError } from '@trainyard/contract/trainer-errors'
import { z } from 'zod'

export type Environment = Readonly<Record<string, string | undefined>>

const SECRETS = new Set(['CALLBACK_TOKEN'])

/** Parses the contract's environment. Throws `ConfigError` with every invalid variable, its value and the expected value. */
export function readEnvironment(env: Environment): TrainerEnvironment {
  return parseWith(TrainerEnvironment, env)
}

const Connection = z.object({
  JOB_ATTEMPT: TrainerEnvironment.shape.JOB_ATTEMPT,
  CALLBACK_URL: TrainerEnvironment.shape.CALLBACK_URL,
  CALLBACK_TOKEN: TrainerEnvironment.shape.CALLBACK_TOKEN,
  CALLBACK_TOKEN_FILE: TrainerEnvironment.shape.CALLBACK_TOKEN_FILE,
  WORK_DIR: TrainerEnvironment.shape.WORK_DIR,
})
export type Connection = z.infer<typeof Connection>

/** Parses only the variables that are needed to report to the platform that the others are invalid. */
export function readConnection(env: Environment): Connection {
  return parseWith(Connection, env)
}

function parseWith<T>(schema: z.ZodType<T>, env: Environment): T {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const sentences = parsed.error.issues.flatMap((issue) =>
    describeIssue(issue).map(({ path, detail }) => {
      const name = String(path[0])
      const isMissing = issue.code === 'invalid_type' && given[name] === undefined
      return isMissing ? `${name} is not set` : `${name} is ${show(name, env[name])}; ${detail}`
    }),
  )
  throw new ConfigError(sentences.join('. '))
}

function show(name: string, value: string | undefined): string {
  if (value === undefined || value === '') return 'not set'
  return SECRETS.has(name) ? '(secret)' : JSON.stringify(value.slice(0, 200))
}
