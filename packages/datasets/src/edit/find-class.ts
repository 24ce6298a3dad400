import { DatasetError } from '@trainyard/contract/trainer-errors'
import type { DatasetClassInfo } from '../record/record.ts'

/** The class of a name. Throws `DatasetError` that names some of the classes that exist. */
export function findClass(classes: readonly DatasetClassInfo[], name: string): DatasetClassInfo {
  const found = classes.find((info) => info.name === name)
  if (found !== undefined) return found
  const names = classes.slice(0, 20).map((info) => JSON.stringify(info.name))
  throw new DatasetError(`There is no class ${JSON.stringify(name)}; expected one of ${names.join(', ')}`)
}
