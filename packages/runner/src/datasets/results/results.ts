import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DatasetVersionDiff, TargetFormat } from '@trainyard/contract'
import { createGate, TrainyardError } from '@trainyard/platform'
import { packTar } from 'modern-tar/fs'
import type { DatasetRow } from '../../db/schema/datasets.ts'
import type { DatasetContext } from '../context.ts'
import { inScratchFolder } from '../registration/scratch-folder.ts'
import { resultKey } from '../storage/storage-keys.ts'
import { fetchVersion } from './fetch-version.ts'
import { makeResult } from './make-result.ts'

/** How long a request waits for its result. */
const WAIT_MS = 20_000
/** Results of one project that are being made or wait for it: others have a turn, too. */
const MAX_OF_PROJECT = 3
/** A result that could not be made is not tried again at once. */
const REMEMBERED_MS = 60_000
/** The files of the dataset and of the result are on the disk of the runner at the same time. */
const MAX_CONVERTED_BYTES = 20 * 1024 ** 3
const MARKER = '.trainyard-conversion.json'

/** The key of a result in the store, or undefined while it is being made. */
export type ResultKey = Promise<string | undefined>

/**
 * Reports, differences and conversions of versions: each is made once, in its own process, and kept in the store. One
 * conversion and one other result are made at a time.
 */
export class DatasetResults {
  readonly #context: DatasetContext
  readonly #conversions = createGate(1)
  readonly #others = createGate(1)
  readonly #making = new Map<string, Promise<void>>()
  readonly #ofProject = new Map<string, number>()
  readonly #failed = new Map<string, { error: unknown; until: number }>()

  readonly #waitMs: number

  constructor(context: DatasetContext, { waitMs = WAIT_MS }: { waitMs?: number } = {}) {
    this.#context = context
    this.#waitMs = waitMs
  }

  report(row: DatasetRow, as: 'json' | 'html'): ResultKey {
    const names = [`report.${as}`, `report.${as === 'json' ? 'html' : 'json'}`] as const
    return this.#find(row, names, this.#others, async (scratch) => {
      const source = await this.#fetch(row, scratch, 'source', { pixels: false })
      const [json, html] = [join(scratch, 'report.json'), join(scratch, 'report.html')]
      await makeResult({ type: 'report', source, losses: row.losses, title: `${row.name}@${row.version}`, json, html })
      await this.#context.store.put(resultKey(row.id, 'report.json'), await readFile(json))
      await this.#context.store.put(resultKey(row.id, 'report.html'), await readFile(html))
    })
  }

  diff(before: DatasetRow, after: DatasetRow): ResultKey {
    const name = `diff-${before.version}.json`
    return this.#find(after, [name], this.#others, async (scratch) => {
      const json = join(scratch, name)
      await makeResult({
        type: 'diff',
        before: await this.#fetch(before, scratch, 'before', { pixels: false }),
        after: await this.#fetch(after, scratch, 'after', { pixels: false }),
        json,
      })
      const versions = { from: before.version, to: after.version }
      const diff: DatasetVersionDiff = { ...versions, ...JSON.parse(await readFile(json, 'utf8')) }
      await this.#context.store.put(resultKey(after.id, name), Buffer.from(JSON.stringify(diff)))
    })
  }

  /** A tar of the dataset in a format; without one, of its own files. */
  download(row: DatasetRow, format: TargetFormat | undefined): ResultKey {
    if (row.size_bytes > MAX_CONVERTED_BYTES)
      throw new TrainyardError(
        'unprocessable',
        `The dataset has ${row.size_bytes} bytes; at most ${MAX_CONVERTED_BYTES} are sent as one file. Download its ` +
          'files one by one (GET /v1/datasets/{id}/files), and convert them with "trainyard dataset convert"',
      )
    // Its own files are sent as they are, also where they could be written.
    const to = format === row.format ? undefined : format
    const name = `${to ?? 'files'}.tar`
    return this.#find(row, [name], this.#conversions, async (scratch) => {
      const source = await this.#fetch(row, scratch, 'source', { pixels: true })
      const target = join(scratch, 'target')
      if (to !== undefined) await makeResult({ type: 'convert', source, to, target })
      const folder = to === undefined ? source.dir : target
      const tar = packTar(folder, { filter: (path) => !path.endsWith(MARKER) })
      // A store that fails leaves the rest of the stream unread: an error of it must not end the process.
      tar.on('error', () => {})
      await this.#context.store.put(resultKey(row.id, name), tar, { contentType: 'application/x-tar' })
    })
  }

  async #fetch(
    { format, task_type: taskType, ...row }: DatasetRow,
    scratch: string,
    name: string,
    what: { pixels: boolean },
  ) {
    const dir = join(scratch, name)
    await fetchVersion(this.#context, row, dir, what)
    return { dir, format, taskType }
  }

  async #find(
    row: DatasetRow,
    names: readonly [string, ...string[]],
    gate: ReturnType<typeof createGate>,
    make: (scratch: string) => Promise<void>,
  ): ResultKey {
    const { database, clock } = this.#context
    const [name] = names
    const key = resultKey(row.id, name)
    const known = await database.db
      .updateTable('dataset_results')
      .set({ used_at: clock.now() })
      .where('dataset_id', '=', row.id)
      .where('name', '=', name)
      .returning('name')
      .executeTakeFirst()
    if (known !== undefined) return key
    const failed = this.#failed.get(key)
    if (failed !== undefined && failed.until > performance.now()) throw failed.error
    const making = this.#making.get(key) ?? this.#start(row, { key, names, gate, make })
    const isDone = await Promise.race([making.then(() => true), sleep(this.#waitMs, false, { ref: false })])
    return isDone ? key : undefined
  }

  #start(
    row: DatasetRow,
    {
      key,
      names,
      gate,
      make,
    }: {
      key: string
      names: readonly string[]
      gate: ReturnType<typeof createGate>
      make: (scratch: string) => Promise<void>
    },
  ): Promise<void> {
    const { database, clock, logger, store } = this.#context
    const count = this.#ofProject.get(row.project_id) ?? 0
    if (count >= MAX_OF_PROJECT)
      throw new TrainyardError(
        'rate_limited',
        `The project waits for ${count} reports, differences and downloads of datasets, which is the limit: ask again when one is ready`,
      )
    this.#ofProject.set(row.project_id, count + 1)
    const making = gate(() => inScratchFolder(this.#context, make))
      .then(async () => {
        const values = names.map((name) => ({ dataset_id: row.id, name, used_at: clock.now() }))
        await database.db
          .insertInto('dataset_results')
          .values(values)
          .onConflict((conflict) => conflict.doNothing())
          .execute()
      })
      .catch(async (error: unknown) => {
        // Without a row they would stay for ever, for example when the dataset was deleted in the meantime.
        await Promise.allSettled(names.map((name) => store.delete(resultKey(row.id, name))))
        if (!(error instanceof TrainyardError)) logger.error({ err: error, key }, 'a result of a dataset was not made')
        this.#remember(key, error)
        throw error
      })
      .finally(() => {
        this.#making.delete(key)
        const left = (this.#ofProject.get(row.project_id) ?? 1) - 1
        if (left === 0) this.#ofProject.delete(row.project_id)
        else this.#ofProject.set(row.project_id, left)
      })
    // Requests that stopped waiting do not take the error.
    making.catch(() => {})
    this.#making.set(key, making)
    return making
  }

  #remember(key: string, error: unknown): void {
    const now = performance.now()
    for (const [other, { until }] of this.#failed) if (until <= now) this.#failed.delete(other)
    this.#failed.set(key, { error, until: now + REMEMBERED_MS })
  }
}
