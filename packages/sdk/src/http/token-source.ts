import { readFileSync } from 'node:fs'

/** The job's token. It changes while the job runs: by a successor in an answer, or because its file was rewritten. */
export interface TokenSource {
  current(): string
  /** Takes the successor that an answer carried. */
  adopt(token: string): void
  /**
   * After a 401 to `refused`: whether there is another token to try. When a successor arrived while that request was
   * under way it is the one, and the file, which may be older, is left alone; else the file is read again.
   */
  replace(refused: string): boolean
  /** Whether someone renews the token from outside: there is a file. */
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
    // It may just be in the middle of being replaced; the token in hand stays.
    return undefined
  }
}
