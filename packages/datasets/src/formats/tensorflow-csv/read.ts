import { DatasetError } from '@trainyard/contract/trainer-errors'
import { listFiles } from '../../files/list-files.ts'
import { parseCsv, parseCsvTable } from '../../files/parse-csv.ts'
import { boxOfCorners } from '../../geometry/box.ts'
import { readLimitedText } from '../../json/json-text.ts'
import type { DatasetReader, ReadOptions } from '../../record/record.ts'
import { toNumber, toSide } from '../named/loose.ts'
import type { NamedImage } from '../named/named-image.ts'
import { readEach } from '../named/read-each.ts'
import { readNamed } from '../named/read-named.ts'

/**
 * Opens tables with one box a row, `filename,width,height,class,xmin,ymin,xmax,ymax`, as TensorFlow's tutorials and Roboflow
 * write them, and Roboflow's `_classes.csv` with one column of 0 and 1 for each class of an image.
 */
export async function readTensorFlowCsv(dir: string, options: ReadOptions = {}): Promise<DatasetReader> {
  const listing = await listFiles(dir, options)
  const paths = listing.files.filter((path) => /\.csv$/i.test(path))
  const own = new Set(paths)
  return readNamed(
    {
      format: 'tensorflow-csv',
      dir,
      listing,
      isOwn: (path) => own.has(path),
      images: (losses) => readEach(paths, losses, async (path) => toImages(await readLimitedText(dir, path), path)),
    },
    options,
  )
}

function toImages(text: string, path: string): Iterable<NamedImage> {
  const [header = []] = parseCsv(text)
  const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
  const columns = header.map((name) => name.toLowerCase())
  if (columns[0] !== 'filename')
    throw new DatasetError(`${path} begins with ${JSON.stringify(header[0])}; expected filename`)
  const isBoxes = columns.includes('xmin')
  const images = new Map<string, NamedImage>()
  for (const cell of parseCsvTable(text)) {
    const name = cell('filename') ?? ''
    const from = `${name} in ${path}`
    const size = isBoxes ? { width: toSide(cell('width')), height: toSide(cell('height')) } : { width: 0, height: 0 }
    const image = images.get(name) ?? { name, from, folder, ...size, objects: [] }
    images.set(name, image)
    if (!isBoxes) {
      const set = header.slice(1).filter((column) => cell(column) === '1')
      image.objects.push(...set.map((label) => ({ kind: 'class' as const, label })))
      continue
    }
    const sides = ['xmin', 'ymin', 'xmax', 'ymax'].map((column) => toNumber(cell(column)))
    const [left = 0, top = 0, right = 0, bottom = 0] = sides
    // An image without objects has a row with empty cells.
    if (cell('xmin') === '' && cell('class') === '') continue
    image.objects.push({ kind: 'box', label: cell('class') ?? '', bbox: boxOfCorners(left, top, right, bottom) })
  }
  return images.values()
}
