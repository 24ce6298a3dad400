import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { unpackTar } from 'modern-tar'
import { ROOT } from './run.ts'

/** Throws if a packed package does not have exactly one licence text, that of this repository. */
export async function checkLicence(pack: string): Promise<void> {
  const entries = await unpackTar(gunzipSync(await readFile(pack)))
  const texts = entries.filter(({ header }) => /(^|[/._-])(licen[cs]e|copying)([._-]|$)/i.test(header.name))
  const names = texts.map(({ header }) => header.name)
  if (names.join() !== 'package/LICENSE')
    throw new Error(`${pack} has the licence texts [${names.join(', ')}]: expected package/LICENSE alone`)
  const text = Buffer.from(texts[0]?.data ?? []).toString('utf8')
  if (text !== (await readFile(join(ROOT, 'LICENSE'), 'utf8')))
    throw new Error(`the licence text of ${pack} is not LICENSE of this repository`)
}
