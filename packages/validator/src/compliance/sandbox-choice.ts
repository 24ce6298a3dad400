/**
 * `auto`: in bubblewrap where it is available; the report states whether it was. `required`: fails without bubblewrap.
 * `off`: as a process with the caller's permissions.
 */
export const SANDBOX_CHOICES = ['auto', 'required', 'off'] as const
export type SandboxChoice = (typeof SANDBOX_CHOICES)[number]

export interface SandboxOptions {
  readonly choice: SandboxChoice
  /** Folders that are hidden from trainers, because they hold other people's trainers and secrets. */
  readonly hiddenDirs: readonly string[]
  /** Whether the whole home folder is hidden. Authors need theirs, but trainers of others must not see it. */
  readonly hideHome: boolean
}
