import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url))

test.each([
  ['TY101/pass', 0],
  ['TY101/fail', 1],
])(
  'a reader that stops early sees no error of the program, and %s ends with %i',
  async (target, expected) => {
    const argv = ['--conditions=trainyard-source', main, fixture(target), '--phase', 'static', '--format', 'json']
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.destroy()
    let stderr = ''
    child.stderr.on('data', (piece: Buffer) => {
      stderr += piece.toString()
    })
    const [code] = (await once(child, 'close')) as [number | null]
    expect({ code, stderr }).toEqual({ code: expected, stderr: '' })
  },
  120_000,
)
