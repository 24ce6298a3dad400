import type { BuildFolders } from './build-plan.ts'

/** Keeps builds apart from the machine: packages run code when they are installed. */
export interface BuildSandbox {
  open(build: BuildRequest): Promise<OpenBuild>
}

export interface BuildRequest {
  folders: BuildFolders
  /** What a build reads of the machine besides the system: uv, and the folder of the Python. */
  readPaths: readonly string[]
  /** What it may reach, as `host:port`. */
  addresses: readonly string[]
}

export interface OpenBuild {
  /** The command and its variables in the sandbox. */
  wrap(argv: readonly string[], env: Readonly<Record<string, string>>): { argv: string[]; env: Record<string, string> }
  /** After the last process has ended: nothing in the environment belongs to the build's user any more. */
  close(): Promise<void>
}
