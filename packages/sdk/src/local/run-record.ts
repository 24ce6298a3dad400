import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { TaskType } from '@trainyard/contract'
import { z } from 'zod'

/** The file in the folder of a run that describes the run. */
export const RUN_RECORD_FILE = 'run.json'

const RunRecord = z.object({ model: z.string(), taskType: TaskType })
/** What a local run trained. */
export type RunRecord = z.infer<typeof RunRecord>

export async function writeRunRecord(runDir: string, record: RunRecord): Promise<void> {
  await writeFile(join(runDir, RUN_RECORD_FILE), `${JSON.stringify(record)}\n`)
}

/** The record of the run that saved a checkpoint: in its folder or a parent folder of it. Undefined for other files. */
export async function findRunRecord(checkpoint: string): Promise<RunRecord | undefined> {
  for (let dir = dirname(resolve(checkpoint)), depth = 0; depth < 4; dir = dirname(dir), depth++) {
    const text = await readFile(join(dir, RUN_RECORD_FILE), 'utf8').catch(() => undefined)
    if (text !== undefined) return parseRecord(text)
  }
  return undefined
}

/** A file of this name can also be that of another program. */
function parseRecord(text: string): RunRecord | undefined {
  try {
    return RunRecord.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
