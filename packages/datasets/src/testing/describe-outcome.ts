import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SplitName } from '@trainyard/contract'
import { loadReader } from '../formats/readers.ts'
import { locateDataset } from '../open/detect-format.ts'
import { findBox } from '../record/find-box.ts'
import { validateDataset } from '../validate/validate-dataset.ts'
import { countLosses, readAll, temporaryFolder } from './dataset-formats.ts'

/** Files of a dataset: text, bytes, anything else as JSON, undefined for an empty folder; and links by their path. */
export interface OutcomeInput {
  files: Readonly<Record<string, unknown>>
  links?: Readonly<Record<string, string>> | undefined
  /** Also describe every object. */
  objects?: true | undefined
}

/** Findings that small datasets have. */
const USUAL = /^(?:class-empty|class-missing-in-split|split-empty|lost-in-reading|image-empty|image-orphan)$/

/**
 * What is found in a folder, as one text: the format, the task, classes with their objects, splits, losses and findings; or
 * the error. Convert and validate must agree on it.
 */
export async function describeOutcome({ files, links = {}, objects }: OutcomeInput): Promise<string> {
  using folder = temporaryFolder()
  const place = (path: string) => {
    mkdirSync(dirname(join(folder.dir, path)), { recursive: true })
    return join(folder.dir, path)
  }
  for (const [path, content] of Object.entries(files)) {
    if (content === undefined) mkdirSync(place(`${path}/x`).slice(0, -2), { recursive: true })
    else if (typeof content === 'string' || content instanceof Uint8Array) writeFileSync(place(path), content)
    else writeFileSync(place(path), JSON.stringify(content))
  }
  for (const [path, target] of Object.entries(links)) symlinkSync(target, place(path))
  try {
    const { dir, format } = await locateDataset(folder.dir)
    const reader = await (await loadReader[format]())(dir)
    const { records, losses } = await readAll(reader)
    const annotations = records.flatMap((record) => record.annotations)
    const classes = reader.classes.map(
      ({ name, id }) => `${name} ${annotations.filter(({ classId }) => classId === id).length}`,
    )
    const splits = [...SplitName.options, undefined].flatMap((split) => {
      const count = records.filter((record) => record.split === split).length
      return count === 0 ? [] : [`${split ?? 'no split'} ${count}`]
    })
    const again = await (await loadReader[format]())(dir)
    const { findings } = await validateDataset(again, { dir })
    await again.close?.()
    const found = findings.filter(({ code, severity }) => severity !== 'info' && !USUAL.test(code))
    const seen = records.map(({ path, annotations: own }) => {
      const texts = own.map(({ classId, kind, isCrowd, ...annotation }) =>
        [
          reader.classes[classId]?.name,
          kind,
          findBox({ classId, kind, ...annotation })?.map((value) => Math.round(value * 100) / 100),
          isCrowd ? 'crowd' : '',
          annotation.attributes === undefined ? '' : JSON.stringify(annotation.attributes),
        ]
          .filter((text) => text !== '')
          .join(' '),
      )
      return `${path}: ${texts.join(', ')}`
    })
    const counts = Object.entries(countLosses(losses)).map(([reason, count]) => `${reason} ${count}`)
    const parts = [
      `${format} ${reader.taskType}`,
      classes.join(', ') || 'no class',
      splits.join(', ') || 'no image',
      counts.join(', ') || 'nothing lost',
      ...found.map(({ severity, code }) => `${severity} ${code}`),
      ...(objects ? seen : []),
    ]
    return parts.join(' | ')
  } catch (error) {
    return `${error instanceof Error ? error.message : error}`.replaceAll(folder.dir, 'DIR').split('\n', 1).join('')
  }
}
