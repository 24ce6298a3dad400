/** Items of a list, and whether the list has more. */
export interface CollectedItems<T> {
  items: T[]
  more: boolean
}

/** Reads pages until there are `limit` items or no more pages. */
export async function collectPages<T>(
  limit: number,
  readPage: (cursor: string | undefined, missing: number) => Promise<{ items: T[]; nextCursor?: string | undefined }>,
): Promise<CollectedItems<T>> {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const page = await readPage(cursor, limit - items.length)
    items.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== undefined && items.length < limit)
  return { items: items.slice(0, limit), more: cursor !== undefined || items.length > limit }
}
