import type { TrainerUsage } from '@trainyard/contract'
import { notFound, TrainyardError } from '@trainyard/platform'
import { sql } from 'kysely'
import type { RegistryCaller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import { findRepository } from '../repositories/repository.ts'
import { readRuns } from './read-runs.ts'

const NO_RUNS = { runs: 0, succeeded: 0, failed: 0, people: 0, medianTrainSeconds: undefined }

/** Pulls and runs of a trainer by day and by version, for those who may see what is not published. */
export async function getUsage(
  context: RegistryContext,
  caller: RegistryCaller,
  { name, days }: { name: string; days: number },
): Promise<TrainerUsage> {
  if (!caller.may('inspect', name)) {
    const scope = `pull:${name.slice(0, name.indexOf('/'))}`
    if (caller.credentials === 'none')
      throw new TrainyardError('unauthenticated', `The usage of "${name}" requires a token with the scope "${scope}"`)
    throw new TrainyardError('forbidden', `The usage of "${name}" requires the scope "${scope}"`)
  }
  const repository = await findRepository(context, name)
  if (!repository) throw notFound('trainer', name)
  const today = context.clock.now().toISOString().slice(0, 10)
  const { rows } = await sql<{ day: string; version: string; people: number; bots: number }>`
    select to_char(day, 'YYYY-MM-DD') as day, version, people, bots from daily_pulls
    where repository_id = ${repository.id} and day > ${today}::date - ${days}::int order by day, version
  `.execute(context.database.db)
  const sum = (of: typeof rows) => ({
    pulls: of.reduce((total, { people }) => total + people, 0),
    bots: of.reduce((total, { bots }) => total + bots, 0),
  })
  const first = Date.parse(`${today}T00:00:00Z`) - (days - 1) * 86_400_000
  const { byDay, byVersion } = await readRuns(context, {
    repositoryId: repository.id,
    since: new Date(first).toISOString().slice(0, 10),
  })
  const byPulled = Map.groupBy(rows, ({ version }) => version)
  const dayAt = (index: number) => new Date(first + index * 86_400_000).toISOString().slice(0, 10)
  return {
    days: Array.from({ length: days }, (_, index) => {
      const day = dayAt(index)
      return { day, ...sum(rows.filter((row) => row.day === day)), runs: byDay.get(day) ?? 0 }
    }),
    versions: [...new Set([...byPulled.keys(), ...byVersion.keys()])]
      .map((version) => ({ ...NO_RUNS, ...byVersion.get(version), version, ...sum(byPulled.get(version) ?? []) }))
      .sort((a, b) => b.pulls - a.pulls || (a.version < b.version ? -1 : 1)),
  }
}
