import type { ValidationReport } from '@trainyard/contract'
import { renderBadge } from './badge.ts'
import { renderGithub } from './github.ts'
import { renderGitlab } from './gitlab.ts'
import { renderHtml } from './html.ts'
import { renderJson } from './json.ts'
import { renderJunit } from './junit.ts'
import { renderMarkdown } from './markdown.ts'
import { renderPretty } from './pretty.ts'
import { renderSarif } from './sarif.ts'

/** The formats of `--format`. All of them show the same verdict. */
export const RENDERERS = {
  pretty: (report) => renderPretty(report),
  json: renderJson,
  junit: renderJunit,
  sarif: renderSarif,
  github: renderGithub,
  gitlab: renderGitlab,
  markdown: renderMarkdown,
  html: renderHtml,
  badge: renderBadge,
} as const satisfies Record<string, (report: ValidationReport) => string>

export type Format = keyof typeof RENDERERS

export const FORMATS = Object.keys(RENDERERS) as Format[]
