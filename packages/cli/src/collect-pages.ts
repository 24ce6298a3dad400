/** Reads page after page until there are `wanted` items, or no more. `read` gets where the last page ended and how many are wanted still. */
export async function collectPages<T>(
  wanted: number,
  read: (cursor: string | undefined, missing: number) => Promise<{ items: T[]; nextCursor?: string | undefined }>,
): Promise<T[]> {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const page = await read(cursor, wanted - items.length)
    items.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== undefined && items.length < wanted)
  return items
}
