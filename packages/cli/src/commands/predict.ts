import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { TrainyardClient } from '@trainyard/client'
import type { ArtifactList, Prediction } from '@trainyard/contract'
import { EXIT_CODES } from '../command-line/exit-codes.ts'
import type { CliIo } from '../command-line/io.ts'
import { connect, type ServerValues } from '../server/connection.ts'
import { printJson } from '../terminal/table.ts'
import { cleanText } from '../terminal/text.ts'

interface PredictInput extends ServerValues {
  job: number
  pictures: readonly string[]
  checkpoint?: string | undefined
  threshold?: number | undefined
  json: boolean
}

/** Seconds of one request. */
const WAIT = 20

export async function run(input: PredictInput, io: CliIo): Promise<number> {
  const { job, pictures, threshold = 0, json, ...server } = input
  const client = await connect(server, io)
  const checkpoint = input.checkpoint ?? (await findCheckpoint(client, job))
  const predictions: Prediction[] = []
  for (const picture of pictures) {
    const bytes = await readPicture(picture)
    const sent = await client.jobs.predict(job, checkpoint, bytes, { name: basename(picture) })
    const found = withThreshold(await waitFor(client, job, sent), threshold)
    predictions.push(found)
    if (!json) print(picture, found, io)
  }
  if (json) printJson(io, { predictions })
  return predictions.every(({ state }) => state === 'done') ? EXIT_CODES.ok : EXIT_CODES.negative
}

async function readPicture(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (cause) {
    throw new Error(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}

async function findCheckpoint(client: TrainyardClient, job: number): Promise<string> {
  const checkpoints: ArtifactList['artifacts'] = []
  let cursor: string | undefined
  do {
    const page = await client.jobs.artifacts(job, { cursor })
    checkpoints.push(...page.artifacts.filter(({ kind }) => kind === 'checkpoint'))
    cursor = page.nextCursor
  } while (cursor !== undefined)
  const chosen = checkpoints.findLast(({ name }) => /^best\b/.test(basename(name))) ?? checkpoints.at(-1)
  if (chosen === undefined) throw new Error(`Job ${job} has no checkpoint: only a job that saved one can predict`)
  return chosen.id
}

async function waitFor(client: TrainyardClient, job: number, sent: Prediction): Promise<Prediction> {
  let current = sent
  while (current.state === 'waiting')
    current = await client.jobs.prediction(job, sent.checkpoint, sent.id, { wait: WAIT })
  return current
}

function withThreshold(prediction: Prediction, threshold: number): Prediction {
  const objects = prediction.objects
    ?.filter(({ confidence }) => confidence >= threshold)
    .toSorted((a, b) => b.confidence - a.confidence)
  return { ...prediction, objects }
}

function print(picture: string, { objects, error, inferenceTimeMs }: Prediction, io: CliIo): void {
  if (objects === undefined) {
    io.stdout.write(`${picture}: ${cleanText(error ?? 'was not predicted')}\n`)
    return
  }
  const time = inferenceTimeMs === undefined ? '' : ` (${Math.round(inferenceTimeMs)} ms)`
  io.stdout.write(`${picture}${time}${objects.length === 0 ? ': nothing found' : ''}\n`)
  for (const { className, confidence, bbox } of objects) {
    const where = bbox === undefined ? '' : `  ${bbox.map((value) => Math.round(value)).join(', ')}`
    io.stdout.write(`  ${(confidence * 100).toFixed(1).padStart(5)} %  ${cleanText(className)}${where}\n`)
  }
}
