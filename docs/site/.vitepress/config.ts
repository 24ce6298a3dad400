import { defineConfig } from 'vitepress'
import { siteLink } from '../../../scripts/docs-site/links.ts'
import { pageOf, sidebar } from '../../../scripts/docs-site/pages.ts'

export default defineConfig({
  title: 'Trainyard',
  description: 'A marketplace and a runtime for trainers: plugins that train vision models',
  lang: 'en',
  srcDir: '..',
  rewrites: pageOf,
  outDir: '../../dist/docs-site',
  cacheDir: '../../node_modules/.cache/docs-site',
  cleanUrls: true,
  lastUpdated: false,
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Tutorials', link: '/tutorials/first-trainer', activeMatch: '^/tutorials/' },
      { text: 'How-to guides', link: '/guides/write-a-trainer', activeMatch: '^/(guides/|troubleshooting)' },
      {
        text: 'Reference',
        link: '/contract',
        activeMatch: '^/(reference/|rules/|problems/|contract|datasets|command-line|configuration)',
      },
      {
        text: 'Explanation',
        link: '/architecture',
        activeMatch: '^/(architecture|guarantees|isolation|dataset-pitfalls|bad-trainers|decisions/)',
      },
    ],
    sidebar: sidebar(),
    socialLinks: [{ icon: 'github', link: 'https://github.com/trainyard/trainyard' }],
  },
  markdown: {
    // As GitHub makes them.
    anchor: {
      slugify: (title) =>
        title
          .trim()
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
          .replaceAll(' ', '-'),
    },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config(md) {
      // Before VitePress makes addresses of the links.
      md.core.ruler.push('links-of-the-repository', ({ tokens, env }) => {
        const page = { path: env.realPath ?? env.path, source: env.frontmatter?.source }
        for (const token of tokens.flatMap((each) => each.children ?? [])) {
          const name = token.type === 'link_open' ? 'href' : token.type === 'image' ? 'src' : undefined
          const link = name === undefined ? null : token.attrGet(name)
          if (name !== undefined && link !== null) token.attrSet(name, siteLink(link, page))
        }
      })
      // Braces in the text are text.
      const text = md.renderer.rules.text
      md.renderer.rules.text = (...given) => (text?.(...given) ?? '').replaceAll('{{', '&#123;&#123;')
    },
  },
})
