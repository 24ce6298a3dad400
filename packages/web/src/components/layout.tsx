import { raw } from 'hono/html'
import type { Child } from 'hono/jsx'
import { currentLanguage } from '../words/language.ts'
import { t } from '../words/t.ts'
import { LanguageSwitch } from './language-switch.tsx'
import { Logo } from './logo.tsx'
import { Person } from './person.tsx'

export interface LayoutProps {
  assetUrl: (name: string) => string
  title: string
  description?: string
  /** The entry of the navigation that this page belongs to. */
  section?: 'trainers' | 'datasets' | 'jobs'
  scripts?: readonly string[]
  children?: Child
}

export function Layout(props: LayoutProps) {
  const { assetUrl, title, description, section, scripts = [], children } = props
  const language = currentLanguage()
  const words = language === 'ko' ? ['korean.js'] : []
  return (
    <>
      {raw('<!doctype html>')}
      <html lang={language}>
        <head>
          <meta charset="utf-8" />
          <title>{`${title} · Trainyard`}</title>
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          {description !== undefined && <meta name="description" content={description} />}
          <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
          <link rel="stylesheet" href={assetUrl('site.css')} />
          {[...words, 'site.js', ...scripts].map((name) => (
            <script type="module" src={assetUrl(name)} />
          ))}
        </head>
        <body>
          <a class="skip-link" href="#main">
            {t('Skip to content')}
          </a>
          <header class="site-header">
            <div class="wrap">
              <a class="brand" href="/">
                <Logo />
                Trainyard
              </a>
              <nav aria-label={t('Main')}>
                <a href="/" aria-current={section === 'trainers' ? 'true' : undefined}>
                  {t('Trainers')}
                </a>
                <a href="/datasets" aria-current={section === 'datasets' ? 'true' : undefined}>
                  {t('Datasets')}
                </a>
                <a href="/jobs" aria-current={section === 'jobs' ? 'true' : undefined}>
                  {t('Jobs')}
                </a>
              </nav>
              <Person />
            </div>
          </header>
          <main id="main" class="wrap" tabindex={-1}>
            {children}
          </main>
          <footer class="site-footer">
            <div class="wrap">
              <p>{t('Trainyard: trainers are plugins that train vision models.')}</p>
              <a href="/openapi">{t('HTTP API')}</a>
              <LanguageSwitch />
            </div>
          </footer>
        </body>
      </html>
    </>
  )
}
