import type { SandboxTools } from './sandbox.ts'

/** Becomes the attempt's user without any privilege. No account has to exist. */
export function dropToUser(tools: SandboxTools, id: number): string[] {
  const { setpriv = 'setpriv' } = tools
  return [setpriv, `--reuid=${id}`, `--regid=${id}`, '--clear-groups', ...WITHOUT_PRIVILEGES, '--']
}

/** Keeps the user. */
export function dropPrivileges({ setpriv = 'setpriv' }: SandboxTools): string[] {
  return [setpriv, ...WITHOUT_PRIVILEGES, '--']
}

const WITHOUT_PRIVILEGES = [
  '--inh-caps=-all',
  '--ambient-caps=-all',
  '--bounding-set=-all',
  '--no-new-privs',
  // Changing the user clears the signal that ends the trainer together with its launcher.
  '--pdeathsig=keep',
]
