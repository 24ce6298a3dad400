import { SemVer, TrainerName } from '@trainyard/contract'
import { UsageError } from '../../errors.ts'

/** Reads "namespace/name@version". */
export function readReference(reference: string): { name: string; version: string } {
  const at = reference.lastIndexOf('@')
  const [name, version] = [reference.slice(0, at), reference.slice(at + 1)]
  if (at === -1 || !TrainerName.safeParse(name).success || !SemVer.safeParse(version).success)
    throw new UsageError(`VERSION is "${reference}": expected NAMESPACE/NAME@VERSION, such as acme/yolo@1.2.0`)
  return { name, version }
}
