import { rename, writeFile } from 'node:fs/promises'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { MissingPackageError } from '../errors.ts'
import { loadSharp, type SharpModule } from '../pixels/load-sharp.ts'
import type { DatasetReader } from '../record/record.ts'
import { chooseImages } from '../show/choose-images.ts'
import { drawTile } from '../show/draw-tile.ts'
import { type DatasetDescription, type DescribeDatasetOptions, describeDataset } from './describe-dataset.ts'
import { type ReportPicture, renderReportPage } from './report-page.ts'

/** What the report shows, and where it is written. */
export type WriteDatasetReportOptions = DescribeDatasetOptions & {
  /** The HTML file to write. */
  target: string
  /** Default: the name of the dataset. */
  title?: string | undefined
  /** Number of pictures, from 0 to 100. Default 24. */
  pictures?: number | undefined
}

const MAX_PICTURES = 100
const TILE = 320

/**
 * Writes one HTML page about a dataset: health, splits, classes, distributions and pictures with their objects. The page
 * needs nothing beside itself. Without the package `sharp` it names the package instead of pictures. Reads the dataset twice.
 */
export async function writeDatasetReport(
  reader: DatasetReader,
  { target, title, pictures: count = 24, ...options }: WriteDatasetReportOptions,
): Promise<DatasetDescription> {
  if (!(Number.isInteger(count) && count >= 0 && count <= MAX_PICTURES))
    throw new DatasetError(`The number of pictures is ${count}; expected a whole number from 0 to ${MAX_PICTURES}`)
  const description = await describeDataset(reader, options)
  let pictures: ReportPicture[] = []
  let withoutPictures: string | undefined
  try {
    if (count > 0) pictures = await drawPictures(await loadSharp('Drawing pictures'), reader, count, options.signal)
  } catch (error) {
    if (!(error instanceof MissingPackageError)) throw error
    withoutPictures = error.message
  }
  const page = renderReportPage(description, { title: title ?? reader.name ?? 'Dataset', pictures, withoutPictures })
  // Written under another name first: a browser never sees half of a page.
  await writeFile(`${target}.partial`, page)
  await rename(`${target}.partial`, target)
  return description
}

async function drawPictures(
  sharp: SharpModule,
  reader: DatasetReader,
  count: number,
  signal: AbortSignal | undefined,
): Promise<ReportPicture[]> {
  const { chosen } = await chooseImages(reader, { count, signal })
  const pictures: ReportPicture[] = []
  for (const record of chosen) {
    signal?.throwIfAborted()
    const { pixels, missing } = await drawTile(sharp, record, { classes: reader.classes, side: TILE, labels: true })
    const { width, height, data } = pixels
    const raw = { width, height, channels: 3 as const }
    const webp = await sharp(data, { raw }).webp({ quality: 80 }).toBuffer()
    pictures.push({
      src: `data:image/webp;base64,${webp.toString('base64')}`,
      width,
      height,
      path: record.path,
      missing,
    })
  }
  return pictures
}
