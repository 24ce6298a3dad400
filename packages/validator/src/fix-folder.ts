import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { FileEdit } from './fixes/file-edit.ts'
import { isSelected, RULES } from './rules/index.ts'
import { readIgnoreRules, readStart, readTrainerFolder } from './trainer-folder.ts'

/** A file that a fix changes. */
export interface FixedFile {
  readonly file: string
  readonly before: string
  readonly after: string
  /** The rules whose findings the change removes. */
  readonly codes: readonly string[]
}

/** What the safe fixes of the rules would change in a folder. */
export async function planFixes(dir: string, only: readonly string[] = []): Promise<FixedFile[]> {
  const folder = await readTrainerFolder(dir, { isIgnored: await readIgnoreRules(dir) })
  const edits: { code: string; change: FileEdit }[] = []
  for (const rule of RULES) {
    if (!('fix' in rule) || rule.fix === undefined || !isSelected(rule.code, only)) continue
    for (const change of await rule.fix(folder)) edits.push({ code: rule.code, change })
  }
  const fixed: FixedFile[] = []
  for (const file of new Set(edits.map(({ change }) => change.file))) {
    // Also of a file that is not published, such as .trainyardignore.
    const before = (await readStart(join(dir, file), folder.limits.maxTextBytes))?.toString('utf8') ?? ''
    let after = before
    const codes = new Set<string>()
    for (const { code, change } of edits) {
      if (change.file !== file) continue
      const next = change.edit(after)
      if (next !== after) codes.add(code)
      after = next
    }
    if (after !== before) fixed.push({ file, before, after, codes: [...codes] })
  }
  return fixed
}

/** Writes the files. Links are not followed. */
export async function writeFixes(dir: string, files: readonly FixedFile[]): Promise<void> {
  for (const { file, after } of files) {
    const path = join(dir, file)
    await mkdir(dirname(path), { recursive: true })
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW
    await using handle = await open(path, flags, 0o644)
    await handle.writeFile(after)
  }
}

/** The changed lines of a file, with the lines around them, as `diff -u` shows them. */
export function renderDiff({ file, before, after }: FixedFile): string {
  const [old, now] = [before, after].map((text) => (text === '' ? [] : text.replace(/\n$/, '').split('\n')))
  const lines = compareLines(old ?? [], now ?? [])
  const shown = lines.filter((_, at) => lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(isChange))
  return [`--- ${before === '' ? '/dev/null' : `a/${file}`}`, `+++ b/${file}`, ...shown, ''].join('\n')
}

const CONTEXT = 2
const isChange = (line: string) => !line.startsWith(' ')

/** The longest common subsequence of lines. Files with fixes are small. */
function compareLines(old: readonly string[], now: readonly string[]): string[] {
  const lengths = Array.from({ length: old.length + 1 }, () => new Uint32Array(now.length + 1))
  const at = (i: number, j: number) => lengths[i]?.[j] ?? 0
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      const row = lengths[i]
      if (row) row[j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const lines: string[] = []
  let [i, j] = [0, 0]
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      lines.push(` ${old[i]}`)
      i++
      j++
    } else if (i < old.length && (j === now.length || at(i + 1, j) >= at(i, j + 1))) lines.push(`-${old[i++]}`)
    else lines.push(`+${now[j++]}`)
  }
  return lines
}
