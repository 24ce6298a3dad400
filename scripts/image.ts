/** `npm run image -- [TAG]`: builds the image of the platform with Docker, the same one whenever it is built. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { levelImage } from './image/level-image.ts'
import { ROOT, run } from './lib/run.ts'

const BASE = process.env.NODE_IMAGE ?? 'node:24-bookworm-slim'
const [tag = 'trainyard/platform:dev'] = process.argv.slice(2)

async function must(command: string, args: readonly string[], capture = true): Promise<string> {
  const { code, output } = await run(command, args, { cwd: ROOT, capture })
  if (code !== 0) throw new Error(`${command} ${args[0]} failed:\n${output}`)
  return output.trim()
}

const layersOf = async (image: string): Promise<number> =>
  Number(await must('docker', ['image', 'inspect', '--format', '{{len .RootFS.Layers}}', image]))

const building = `${tag.replace(/:[^:/]*$/, '')}:building-${process.pid}`
const dir = await mkdtemp(join(tmpdir(), 'trainyard-image-'))
try {
  const network = process.env.IMAGE_BUILD_NETWORK === undefined ? [] : ['--network', process.env.IMAGE_BUILD_NETWORK]
  const build = ['build', ...network, '--build-arg', `NODE_IMAGE=${BASE}`, '--file', 'deploy/image/Dockerfile']
  await must('docker', [...build, '--tag', building, '.'], false)
  const saved = join(dir, 'saved.tar')
  await must('docker', ['save', '--output', saved, building])
  await must('tar', ['-xf', saved, '-C', dir])
  await rm(saved)
  const created = new Date(
    Number(process.env.SOURCE_DATE_EPOCH ?? (await must('git', ['log', '-1', '--format=%ct']))) * 1000,
  )
  const id = await levelImage({ dir, baseLayers: await layersOf(BASE), created, tag })
  await must('sh', ['-c', 'tar -cf - -C "$1" . | docker load', 'load', dir])
  process.stdout.write(`${tag} ${id}\n`)
} finally {
  await rm(dir, { recursive: true, force: true })
  await run('docker', ['rmi', building], { capture: true })
}
