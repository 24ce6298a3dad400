/** Cuts a stream into parts of equal size; the last one may be shorter. No bytes make no part. */
export async function* inParts(
  body: Uint8Array | AsyncIterable<Uint8Array>,
  partBytes: number,
): AsyncGenerator<Uint8Array> {
  let chunks: Uint8Array[] = []
  let held = 0
  for await (const chunk of body instanceof Uint8Array ? [body] : body) {
    let rest = chunk
    while (held + rest.byteLength >= partBytes) {
      const take = partBytes - held
      yield Buffer.concat([...chunks, rest.subarray(0, take)])
      chunks = []
      held = 0
      rest = rest.subarray(take)
    }
    if (rest.byteLength > 0) {
      chunks.push(rest)
      held += rest.byteLength
    }
  }
  if (held > 0) yield Buffer.concat(chunks)
}
