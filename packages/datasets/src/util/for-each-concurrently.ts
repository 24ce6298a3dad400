/** Runs `work` for each item, at most `limit` at a time. The first failure stops the rest and is thrown. */
export async function forEachConcurrently<T>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  let hasFailed = false
  // Async iterators must not be asked for two items at the same time.
  let turn: Promise<unknown> = Promise.resolve()
  const next = () => {
    const result = turn.then(() => iterator.next())
    turn = result.catch(() => {})
    return result
  }
  const worker = async () => {
    while (!hasFailed) {
      const item = await next()
      if (item.done) return
      await work(item.value)
    }
  }
  const workers = Array.from({ length: limit }, () =>
    worker().catch((error: unknown) => {
      hasFailed = true
      throw error
    }),
  )
  const results = await Promise.allSettled(workers)
  const failure = results.find((result) => result.status === 'rejected')
  if (failure !== undefined) throw failure.reason
}
