import { AddPublisherRequest } from '@trainyard/contract'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { requireTrainerName } from '../../command-line/require-trainer-name.ts'
import { UsageError } from '../../errors.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson } from '../../terminal/table.ts'
import { cleanText } from '../../terminal/text.ts'
import { describeConditions } from './describe-conditions.ts'

interface AddInput extends ServerValues {
  trainer: string
  issuer: string | undefined
  repository: string | undefined
  workflow: string | undefined
  environment: string | undefined
  ref: string | undefined
  repositoryId: string | undefined
  ownerId: string | undefined
  json: boolean
}

export async function run(input: AddInput, io: CliIo): Promise<number> {
  const { trainer, json } = input
  requireTrainerName(trainer)
  const request = readRequest(input)
  const publisher = await (await connect(input, io)).publishing.add(trainer, request)
  if (json) printJson(io, { publisher })
  else {
    const jobs = `jobs of ${publisher.repository} (${describeConditions(publisher)})`
    io.stdout.write(cleanText(`added ${publisher.id}: ${jobs} can now publish ${trainer}`))
    io.stdout.write('\n')
  }
  return EXIT_CODES.ok
}

function readRequest(input: AddInput): AddPublisherRequest {
  const { issuer = 'github', repository, workflow, environment, ref, repositoryId, ownerId } = input
  if (repository === undefined) throw new UsageError('no repository: use --repository OWNER/NAME')
  if (workflow === undefined && environment === undefined && ref === undefined)
    throw new UsageError(
      'every job of the repository could publish: use at least one of --workflow FILE, --environment NAME and --ref REF',
    )
  const values = { issuer, repository, workflow, environment, ref, repositoryId, ownerId }
  const parsed = AddPublisherRequest.safeParse(values)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const field = String(issue?.path[0])
  const name = field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const value = Object.entries(values).find(([key]) => key === field)?.[1]
  throw new UsageError(`--${name} is "${value}": it ${issue?.message}`)
}
