import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { createTarPacker } from 'modern-tar'

/** Files read and handed over at a time: enough to keep the disk busy, few enough to keep memory flat. */
const FILES_AT_ONCE = 64

/** A tar of the folder, streamed. Names are sorted and dates fixed: the same folder gives the same bytes. */
export async function* packSampleDataset(dir: string): AsyncIterable<Uint8Array> {
  const { readable, controller } = createTarPacker()
  const packing = pack(dir, controller).catch((error: unknown) => controller.error(error))
  yield* readable
  await packing
}

async function pack(dir: string, controller: ReturnType<typeof createTarPacker>['controller']): Promise<void> {
  const names = await listFiles(dir)
  for (let start = 0; start < names.length; start += FILES_AT_ONCE) {
    const files = await Promise.all(
      names.slice(start, start + FILES_AT_ONCE).map(async (name) => ({ name, body: await readFile(join(dir, name)) })),
    )
    for (const { name, body } of files) {
      const entry = controller.add({ name, size: body.length, type: 'file', mode: 0o644, mtime: new Date(0) })
      const writer = entry.getWriter()
      if (body.length > 0) await writer.write(body)
      await writer.close()
    }
  }
  controller.finalize()
}

async function listFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
}
