import { readFileSync } from 'node:fs'

/** The job's token. It changes while the job runs: by a successor in an answer, or because its file was rewritten. */
export interface TokenSource {
  current(): string
  /** Takes the successor that an answer carried. */
  adopt(token: string): void
  /** After a 401: reads the file again. True when there is another token to try. */
  reload(): boolean
}

export function createTokenSource(options: { token?: string | undefined; file?: string | undefined }): TokenSource {
  const { file } = options
  let token = (file === undefined ? undefined : readToken(file)) ?? options.token ?? ''
  return {
    current: () => token,
    adopt(successor) {
      token = successor
    },
    reload() {
      const next = file === undefined ? undefined : readToken(file)
      if (next === undefined || next === token) return false
      token = next
      return true
    },
  }
}

function readToken(file: string): string | undefined {
  try {
    const text = readFileSync(file, 'utf8').trim()
    return text === '' ? undefined : text
  } catch {
    // It may just be in the middle of being replaced; the token in hand stays.
    return undefined
  }
}
