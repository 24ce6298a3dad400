/**
 * `auto`: in bubblewrap where it can be used, and the report says when not. `required`: only there. `off`: as a process that
 * can do what its caller can.
 */
export const SANDBOX_CHOICES = ['auto', 'required', 'off'] as const
export type SandboxChoice = (typeof SANDBOX_CHOICES)[number]

export interface SandboxOptions {
  readonly choice: SandboxChoice
  /** What no trainer is to see: folders of whoever runs this, with other people's trainers and secrets. */
  readonly hiddenDirs: readonly string[]
  /** Whether the home folder is hidden as a whole: right for a stranger's trainer, too much for an author's own. */
  readonly hideHome: boolean
}
