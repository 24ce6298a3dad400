/** The words of a command line that needs no shell; undefined if it has quotes, variables, operators or built-in commands. */
export function plainWords(text: string): string[] | undefined {
  const words = text.trim().split(/\s+/)
  const [program = ''] = words
  if (BUILT_IN.has(program) || program.includes('=')) return undefined
  return words.every((word) => /^[\w@%+=:,./-]+$/.test(word)) && program !== '' ? words : undefined
}

const BUILT_IN = new Set([
  'cd',
  'exec',
  'export',
  'set',
  'source',
  '.',
  'eval',
  'ulimit',
  'umask',
  'unset',
  'if',
  'for',
])
