/**
 * `auto`: in the best sandbox that this machine supports; the report states which. `required`: fails without a complete one.
 * `off`: as a process with the caller's permissions.
 */
export const SANDBOX_CHOICES = ['auto', 'required', 'off'] as const
export type SandboxChoice = (typeof SANDBOX_CHOICES)[number]

export interface SandboxOptions {
  readonly choice: SandboxChoice
  /** Folders that stay hidden even inside what a trainer sees: they hold other people's trainers and secrets. */
  readonly hiddenDirs: readonly string[]
  /** Folders that trainers can read in addition to the system's, for example those of Python environments. */
  readonly readPaths?: readonly string[] | undefined
  /** Whether `auto` runs a trainer where no sandbox can be used. Default: true, because authors run their own trainers. */
  readonly allowUnsandboxed?: boolean | undefined
  /** PATH in which the programs of the sandbox are searched. Default: that of this process. */
  readonly path?: string | undefined
}
