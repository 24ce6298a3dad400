import type { Child } from 'hono/jsx'
import { Layout } from '../components/layout.tsx'
import { t } from '../words/t.ts'

export interface PeopleLayoutProps {
  assetUrl: (name: string) => string
  title: string
  /** The section that this page belongs to. */
  part: 'account' | 'tokens' | 'organisations' | 'pushes' | 'usage'
  lead?: Child
  children?: Child
}

const PARTS = [
  ['account', '/account', 'Account'],
  ['tokens', '/account/tokens', 'Tokens'],
  ['organisations', '/organisations', 'Organisations'],
  ['pushes', '/pushes', 'Pushes'],
  ['usage', '/usage', 'Usage'],
] as const

/** The frame of the pages about accounts, tokens and organisations. */
export function PeopleLayout({ assetUrl, title, part, lead, children }: PeopleLayoutProps) {
  return (
    <Layout assetUrl={assetUrl} title={title}>
      <nav class="parts" aria-label={t('Account')}>
        {PARTS.map(([name, path, word]) => (
          <a class="chip" href={path} aria-current={name === part ? 'true' : undefined}>
            {t(word)}
          </a>
        ))}
      </nav>
      <div class="page-head">
        <h1>{title}</h1>
        {lead !== undefined && <p class="lead">{lead}</p>}
      </div>
      {children}
    </Layout>
  )
}
