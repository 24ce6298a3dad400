import { bubblewrapCommand } from './bubblewrap.ts'
import type { OwnIds, Sandbox, SandboxRequest } from './sandbox.ts'
import { utilLinuxCommand } from './util-linux.ts'

/** The arguments in front of a command that runs in the sandbox. */
export function sandboxCommand(sandbox: Sandbox, request: SandboxRequest, own: OwnIds = ownIds()): string[] {
  return sandbox.kind === 'bubblewrap' ? bubblewrapCommand(sandbox, request) : utilLinuxCommand(sandbox, request, own)
}

function ownIds(): OwnIds {
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
}
