import { Slug } from '@trainyard/contract'
import { UsageError } from '../errors.ts'

/** Checks the argument NAMESPACE of a command. */
export function requireNamespace(namespace: string): void {
  if (!Slug.safeParse(namespace).success)
    throw new UsageError(
      `NAMESPACE is "${namespace}": expected the part of a trainer's name before the slash, such as acme`,
    )
}
