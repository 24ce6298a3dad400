import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { createTarPacker } from 'modern-tar'
import { ImageNotLoaded } from '../../errors.ts'
import type { LoadableImage } from '../closed-engine.ts'
import { ignoring } from './engine.ts'
import type { EngineClient } from './engine-client.ts'

/**
 * Loads an image into an engine under a tag of its own. One that the engine has already gets this tag as well.
 *
 * @throws ImageNotLoaded with the engine's message, for example when a layer has other bytes than the config names
 */
export async function loadImage(docker: EngineClient, image: LoadableImage, tag: string): Promise<string> {
  const { digest } = image.config
  const existing = await ignoring([404], docker.getImage(digest).inspect())
  if (existing?.Id === digest) {
    // With a tag of its own, it stays when another run of the same image removes its tag. An untagged one would go with this tag.
    const colon = tag.lastIndexOf(':')
    if ((existing.RepoTags ?? []).length > 0)
      await docker.getImage(digest).tag({ repo: tag.slice(0, colon), tag: tag.slice(colon + 1) })
    return digest
  }
  const answer = await docker.loadImage(Readable.from(packArchive(image, tag)))
  await readAnswer(answer)
  const { Id } = await docker.getImage(tag).inspect()
  return Id
}

/** The archive of `docker save`. Layers are named by their position, because an image can have the same one twice. */
async function* packArchive({ config, layers }: LoadableImage, tag: string): AsyncGenerator<Uint8Array> {
  const { readable, controller } = createTarPacker()
  const names = layers.map((_, index) => `${index}.tar`)
  const manifest = Buffer.from(JSON.stringify([{ Config: 'config.json', RepoTags: [tag], Layers: names }]))
  const write = async () => {
    await writeFile(controller, 'manifest.json', { sizeBytes: manifest.length, body: [manifest] })
    for (const [name, part] of [
      ['config.json', config] as const,
      ...layers.map((l, i) => [names[i] ?? '', l] as const),
    ])
      await writeFile(controller, name, { sizeBytes: part.sizeBytes, body: await part.open() })
    controller.finalize()
  }
  const written = write().catch((error: unknown) => controller.error(error))
  yield* readable as unknown as ReadableStream<Uint8Array>
  await written
}

async function writeFile(
  controller: ReturnType<typeof createTarPacker>['controller'],
  name: string,
  { sizeBytes, body }: { sizeBytes: number; body: AsyncIterable<Uint8Array> | Iterable<Uint8Array> },
): Promise<void> {
  const writer = controller.add({ name, size: sizeBytes, type: 'file', mode: 0o644 }).getWriter()
  for await (const piece of body) {
    await writer.ready
    await writer.write(Uint8Array.from(piece))
  }
  await writer.close()
}

/** The engine answers 200 first, and reports errors in the stream. */
async function readAnswer(answer: NodeJS.ReadableStream): Promise<void> {
  let text = ''
  for await (const piece of answer) text = `${text}${String(piece)}`.slice(-100_000)
  for (const line of text.split('\n')) {
    const message = /"error":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1]
    if (message !== undefined) throw new ImageNotLoaded(message.slice(0, 500))
  }
}
