import { suggest } from '@trainyard/contract/format'
import { TrainyardError } from '@trainyard/platform'
import type { RegistryContext } from '../context.ts'

/** How many names are compared. */
const MAX_NAMES = 500

/** "Trainer not found", with the published trainer whose name is closest. */
export async function unknownTrainer({ database }: RegistryContext, name: string): Promise<TrainyardError> {
  const [namespace = '', short = ''] = name.split('/')
  const rows = await database.db
    .selectFrom('repositories')
    .select('name')
    .where('latest_version', 'is not', null)
    // A misspelt name, or a misspelt namespace.
    .where((where) => where.or([where('namespace', '=', namespace), where('name', 'like', `%/${escapeLike(short)}`)]))
    .orderBy('pulls', 'desc')
    .limit(MAX_NAMES)
    .execute()
  const hint = suggest(
    name,
    rows.map((row) => row.name),
  )
  return new TrainyardError('not_found', `Trainer "${name}" not found${hint}`)
}

const escapeLike = (text: string) => text.replace(/[\\%_]/g, '\\$&')
