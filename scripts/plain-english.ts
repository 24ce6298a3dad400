/**
 * `node scripts/plain-english.ts [PATH …]`: finds phrases that read as translated, in code, messages and documents, and
 * says what to write instead. Part of `npm run verify`. The words follow the plain language of Node's and PostgreSQL's
 * documentation: short sentences, the field's terms, no riddles.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { ROOT } from './lib/run.ts'

interface Phrase {
  pattern: RegExp
  instead: string
}

/** What not to write, and what to write. */
const PHRASES: readonly Phrase[] = [
  { pattern: /\bwanted (is|are|was)\b|[;,(] wanted\b|\bwanted:|\bthe value wanted\b/i, instead: 'expected' },
  { pattern: /\bof no use\b/i, instead: 'was revoked, has expired, cannot be used' },
  // Not the Unix user, which is in quotes: `nobody`, 'nobody:'.
  { pattern: /(?<!['`])\b(nobody|somebody|whoever)\b/i, instead: 'no one can …, the caller, any user who' },
  // Not the former name of a flag: 'anew' in quotes.
  { pattern: /(?<!['-])\banew\b/i, instead: 'again' },
  { pattern: /\bso (much|many)\b/i, instead: 'how much, the number of' },
  { pattern: /\b(says|say|said) (it|so)\b|\bwhat (was|is) said\b/i, instead: 'reports, the report' },
  { pattern: /\bmay not\b/i, instead: 'must not, cannot' },
  {
    pattern:
      /\b(is|are|was|were|be) (not |no longer |still |already )?there\b(?! (a|an|any|no|anything|something|room|\w+s)\b)/i,
    instead: 'exists, does not exist, not found',
  },
  { pattern: /\bwish(es)?\b/i, instead: 'request' },
  { pattern: /\bdeeds?\b/i, instead: 'action' },
  { pattern: /\bthe (house|doors?|rooms?)\b/i, instead: 'the platform, the endpoint, the package' },
  { pattern: /\b(is|are|was|were|be) told of\b/i, instead: 'is notified of' },
  { pattern: /\blook(s|ed|ing)? at\b/i, instead: 'reads, checks' },
  { pattern: /\bby (itself|themselves)\b/i, instead: 'automatically' },
  { pattern: /\bas good as\b/i, instead: 'almost' },
  {
    pattern: /\b(it is|they are) (in|out)\b(?! (a|an|the|of|its|their|this|that|[a-z]+)\b)/i,
    instead: 'added, removed',
  },
  { pattern: /\b(has|have|had) none\b/i, instead: 'does not have one' },
  { pattern: /\bits kin\b|\bof its kin\b/i, instead: 'similar servers' },
]

const READ = new Set(['.ts', '.tsx', '.mjs', '.js', '.css', '.md', '.json', '.py', '.yaml', '.yml', '.sh'])
/** Text of others, a copy of the examples with their license, and the words themselves. */
const SKIPPED = [
  /\/init\/templates\.json$/,
  /^pnpm-lock\.yaml$/,
  /(^|\/)fixtures\//,
  /(^|\/)LICENSE/,
  /^scripts\/plain-english\./,
  /\/golden\//,
]

/** Camel case counts as words: `openWishes` is "open Wishes". */
const withWords = (line: string): string => line.replace(/([a-z0-9])([A-Z])/g, '$1 $2')

interface Finding {
  file: string
  line: number
  text: string
  instead: string
}

function findPhrases(file: string, text: string): Finding[] {
  return text.split('\n').flatMap((line, index) =>
    PHRASES.filter(({ pattern }) => pattern.test(line) || pattern.test(withWords(line))).map(({ instead }) => ({
      file,
      line: index + 1,
      text: line.trim().slice(0, 140),
      instead,
    })),
  )
}

function trackedFiles(paths: readonly string[]): string[] {
  const output = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...paths], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  return output.split('\n').filter((file) => READ.has(extname(file)) && !SKIPPED.some((skip) => skip.test(file)))
}

if (import.meta.main) {
  const findings = trackedFiles(process.argv.slice(2)).flatMap((file) => {
    let text: string
    try {
      text = readFileSync(`${ROOT}/${file}`, 'utf8')
    } catch {
      return [] // Deleted, and not committed yet.
    }
    return findPhrases(file, text)
  })
  for (const { file, line, text, instead } of findings) console.log(`${file}:${line}: ${text}\n    better: ${instead}`)
  if (findings.length > 0) {
    console.log(`\n${findings.length} phrases that read as translated`)
    process.exitCode = 1
  }
}
