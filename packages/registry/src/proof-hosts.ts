import { z } from 'zod'

/** Hosts of repositories whose files prove who owns a namespace. */
export const ProofHosts = z.array(
  z.strictObject({
    host: z.string().min(1),
    /** The address of a file of the default branch, with `{repository}` and `{file}`. */
    file: z.url().refine((text) => text.includes('{repository}') && text.endsWith('{file}'), {
      message: 'must contain {repository} and end with {file}',
    }),
    /** Parts of the path of a repository. With more, a path could name a branch of someone else. */
    maxParts: z.number().int().min(2).max(20).default(2),
  }),
)
export type ProofHosts = z.output<typeof ProofHosts>

export const DEFAULT_PROOF_HOSTS: ProofHosts = [
  { host: 'github.com', file: 'https://raw.githubusercontent.com/{repository}/HEAD/{file}', maxParts: 2 },
  { host: 'gitlab.com', file: 'https://gitlab.com/{repository}/-/raw/HEAD/{file}', maxParts: 20 },
]
