import type { RegistryConfig } from '../config.ts'

/** The page with the checks and findings of a push, for people whose client prints nothing but a text. */
export function pageOfPush({ pagesUrl, publicUrl }: RegistryConfig, checkId: string): string {
  return `${pagesUrl ?? publicUrl}/pushes/${checkId}`
}
