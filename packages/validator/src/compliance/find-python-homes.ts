import { readFile, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const ENVIRONMENTS = ['.venv', 'venv']

/**
 * The folders of the interpreters that the virtual environments in an author's own folder use: those of pyenv, uv or conda are
 * outside of it. Never called for trainers of others, which could name any folder.
 */
export async function findPythonHomes(dir: string): Promise<string[]> {
  const homes: string[] = []
  for (const name of ENVIRONMENTS) {
    const settings = await readFile(join(dir, name, 'pyvenv.cfg'), 'utf8').catch(() => '')
    const home = /^home\s*=\s*(.+)$/m.exec(settings)?.[1]?.trim()
    const program = await realpath(join(dir, name, 'bin', 'python')).catch(() => undefined)
    for (const bin of [home, program && dirname(program)])
      if (bin?.startsWith('/') === true && dirname(bin) !== '/') homes.push(dirname(bin))
  }
  return [...new Set(homes)].filter((home) => !home.startsWith('/usr'))
}
