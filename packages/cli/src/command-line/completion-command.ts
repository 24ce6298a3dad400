import { type Command, defineCommand, type Program } from './command.ts'
import { argument, oneOf } from './values.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

/** `trainyard completion SHELL`. `program` is a function, because the command is one of the program's own. */
export function completionCommand(program: () => Program): Command {
  return defineCommand({
    summary: 'Print a completion script for a shell',
    description:
      'Prints a script that completes commands, options and their values. For zsh, write it to a folder of $fpath. The ' +
      'script does not start the program, so print it again after an update.',
    arguments: {
      shell: argument('SHELL', {
        description: 'bash, zsh or fish',
        completion: { kind: 'words', words: SHELLS },
        parse: oneOf(SHELLS),
      }),
    },
    examples: [
      'trainyard completion bash > ~/.local/share/bash-completion/completions/trainyard',
      'trainyard completion zsh > ~/.zfunc/_trainyard',
      'trainyard completion fish > ~/.config/fish/completions/trainyard.fish',
    ],
    async load() {
      const { completionScript } = await import('./completion/script.ts')
      return {
        async run({ shell }, io) {
          io.stdout.write(completionScript(program(), shell))
          return 0
        },
      }
    },
  })
}
