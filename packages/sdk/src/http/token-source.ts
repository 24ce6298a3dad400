import { readFileSync } from 'node:fs'

/** The job's token. It changes while the job runs: responses carry successors, and the token file may be rewritten. */
export interface TokenSource {
  current(): string
  /** Uses the successor that a response carried. */
  adopt(token: string): void
  /**
   * Called after a 401 to `refused`; returns whether there is another token to try. If a successor arrived while that
   * request was in flight, it stays current, and the file, which may be older, is not read.
   */
  replace(refused: string): boolean
  /** Whether the token has a file that another process renews. */
  readonly hasFile: boolean
}

export function createTokenSource(options: { token?: string | undefined; file?: string | undefined }): TokenSource {
  const { file } = options
  let token = (file === undefined ? undefined : readToken(file)) ?? options.token ?? ''
  return {
    hasFile: file !== undefined,
    current: () => token,
    adopt(successor) {
      token = successor
    },
    replace(refused) {
      if (token !== refused) return true
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
    // The file may be in the middle of a replacement: keep the current token.
    return undefined
  }
}
