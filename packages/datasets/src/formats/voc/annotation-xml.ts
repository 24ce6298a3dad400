import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { encodingOfMark } from '../../files/read-text.ts'
import { parseXml, type XmlElement } from '../../xml/parse-xml.ts'

const MAX_XML_BYTES = 64 * 1024 * 1024

/** Reads the `<annotation>` of an XML file. */
export async function readAnnotationXml(dir: string, path: string): Promise<XmlElement> {
  const { size } = await stat(join(dir, path))
  if (size > MAX_XML_BYTES)
    throw new DatasetError(`${path} has ${size} bytes; expected at most ${MAX_XML_BYTES} for one image`)
  const bytes = await readFile(join(dir, path))
  const root = parseXml(decodeXml(bytes, path), path)
  if (root.name !== 'annotation') throw new DatasetError(`${path} starts with <${root.name}>; expected <annotation>`)
  return root
}

/** The byte order mark decides, then the XML declaration; the default is UTF-8. */
function decodeXml(bytes: Uint8Array, path: string): string {
  const head = Buffer.from(bytes.subarray(0, 200)).toString('latin1')
  const declared = /^<\?xml[^>]*\bencoding\s*=\s*["']([\w.-]+)["']/.exec(head)?.[1]
  const encoding = encodingOfMark(bytes) ?? declared ?? 'utf-8'
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch (error) {
    throw new DatasetError(`${path} is not text in ${encoding}`, { cause: error })
  }
}
