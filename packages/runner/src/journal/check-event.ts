import { MAX_PREDICTIONS, PredictedObject, TrainerEvent } from '@trainyard/contract'
import { fieldIssues } from '@trainyard/platform'
import { isNestedDeeperThan, MAX_EVENT_NESTING, NESTED } from './nesting.ts'
import type { RawEvent } from './raw-event.ts'

/** Where an event differs from the contract. */
export interface EventProblem {
  path: string
  detail: string
}

export type CheckedEvent = { event: TrainerEvent; problem?: undefined } | { event?: undefined; problem: EventProblem }

/**
 * Numbers, texts, arrays and objects that an event can have beside the cells of its confusion matrix and its predictions: the
 * schema needs microseconds for each, in one turn of the event loop. Each prediction can have as many.
 */
export const MAX_EVENT_VALUES = 20_000

/**
 * Checks an event against the contract. Yields wherever the caller can let others go first. The lists that can be long are not
 * left to the schema: it would check them in one turn, and collect every error in them.
 */
export function* checkEvent(body: RawEvent): Generator<undefined, CheckedEvent> {
  const { rest, counts, predictions } = takeLists(body)
  if (hasMoreValues(rest, MAX_EVENT_VALUES)) {
    const beside = 'beside the confusion matrix and the predictions'
    return { problem: { path: '', detail: `must have at most ${MAX_EVENT_VALUES} values ${beside}` } }
  }
  if (isNestedDeeperThan(MAX_EVENT_NESTING, rest)) return { problem: { path: '', detail: NESTED } }
  const parsed = TrainerEvent.safeParse(rest)
  yield
  if (!parsed.success) return { problem: firstIssue(parsed.error) }
  const event = parsed.data
  if (event.type === 'validation' && event.confusionMatrix !== undefined && counts !== undefined) {
    const problem = findBadCell(counts)
    if (problem !== undefined) return { problem }
    const confusionMatrix = { ...event.confusionMatrix, counts: counts as number[][] }
    return { event: { ...event, confusionMatrix } }
  }
  if (event.type !== 'prediction' || predictions === undefined) return { event }
  const checked = yield* checkPredictions(predictions)
  return Array.isArray(checked) ? { event: { ...event, predictions: checked } } : { problem: checked }
}

/** The same in one turn, for an event that was accepted before. */
export function checkEventNow(body: RawEvent): CheckedEvent {
  const checking = checkEvent(body)
  for (;;) {
    const step = checking.next()
    if (step.done) return step.value
  }
}

interface Lists {
  /** The event without the items of its long lists. */
  rest: RawEvent
  counts?: readonly unknown[] | undefined
  predictions?: readonly unknown[] | undefined
}

function takeLists(body: RawEvent): Lists {
  if (body.type === 'prediction' && Array.isArray(body.predictions))
    return { rest: { ...body, predictions: [] }, predictions: body.predictions }
  const matrix = body.type === 'validation' ? body.confusionMatrix : undefined
  if (typeof matrix !== 'object' || matrix === null || !('counts' in matrix) || !Array.isArray(matrix.counts))
    return { rest: body }
  return { rest: { ...body, confusionMatrix: { ...matrix, counts: [] } }, counts: matrix.counts }
}

function findBadCell(counts: readonly unknown[]): EventProblem | undefined {
  for (const [index, row] of counts.entries()) {
    const path = `confusionMatrix.counts.${index}`
    if (!Array.isArray(row)) return { path, detail: 'must be a list of numbers' }
    const bad = row.findIndex((cell) => !Number.isSafeInteger(cell) || cell < 0)
    if (bad !== -1) return { path: `${path}.${bad}`, detail: 'must be a whole number of 0 or more' }
  }
  return undefined
}

function* checkPredictions(items: readonly unknown[]): Generator<undefined, PredictedObject[] | EventProblem> {
  if (items.length > MAX_PREDICTIONS)
    return { path: 'predictions', detail: `must be at most ${MAX_PREDICTIONS} items long, and has ${items.length}` }
  const checked: PredictedObject[] = []
  for (const [index, item] of items.entries()) {
    const path = `predictions.${index}`
    if (hasMoreValues(item, MAX_EVENT_VALUES)) return { path, detail: `must have at most ${MAX_EVENT_VALUES} values` }
    if (isNestedDeeperThan(MAX_EVENT_NESTING - 2, item)) return { path, detail: NESTED }
    const parsed = PredictedObject.safeParse(item)
    if (!parsed.success) {
      const issue = firstIssue(parsed.error)
      return { path: issue.path === '' ? path : `${path}.${issue.path}`, detail: issue.detail }
    }
    checked.push(parsed.data)
    yield
  }
  return checked
}

/** Whether a document has more values than `limit`. Without recursion; reads no further than the limit. */
function hasMoreValues(document: unknown, limit: number): boolean {
  const waiting = [document]
  let count = 0
  for (let value = waiting.pop(); count <= limit; value = waiting.pop()) {
    count++
    if (typeof value === 'object' && value !== null) {
      const items = Object.values(value)
      if (count + waiting.length + items.length > limit) return true
      for (const item of items) waiting.push(item)
    }
    if (waiting.length === 0) return false
  }
  return true
}

function firstIssue(error: Parameters<typeof fieldIssues>[0]): EventProblem {
  const [issue] = fieldIssues(error)
  return { path: issue?.path ?? '', detail: issue?.detail ?? 'is not valid' }
}
