import { describe, expect, test } from 'vitest'
import { MAX_README_LENGTH, renderReadme } from './readme.ts'

describe('a README', () => {
  test('keeps its headings, one level below those of the page', () => {
    expect(renderReadme('# One\n\n## Two')).toBe('<h3>One</h3>\n<h4>Two</h4>\n')
  })

  test('keeps tables, code and task lists', () => {
    const html = renderReadme('| a | b |\n| - | -: |\n| 1 | 2 |\n\n```sh\nls <dir>\n```\n\n- [x] done\n- [ ] open')
    expect(html).toContain('<td align="right">2</td>')
    expect(html).toContain('<pre tabindex="0"><code>ls &lt;dir&gt;\n</code></pre>')
    expect(html).toContain('☑')
    expect(html).toContain('☐')
    expect(html).not.toContain('<input')
  })

  test.each([
    ['<script>alert(1)</script>', /script|alert/],
    ['<img src="https://a.example/x.png" onerror="alert(1)">', /onerror|alert/],
    ['<svg onload=alert(1)><script>1</script></svg>', /svg|onload|script/],
    ['<style>body{display:none}</style>', /style|display/],
    ['<p style="position:fixed" class="status good" id="main">x</p>', /style|class|id=/],
    ['<iframe src="https://a.example"></iframe>', /iframe/],
    ['<form action="https://a.example"><input name="q"><button>Go</button></form>', /form|input|button/],
    ['<a href="javascript:alert(1)">x</a>', /javascript/],
    ['[x](javascript:alert(1))', /href/],
    ['[x](JaVaScRiPt:alert(1))', /href/],
    ['[x](data:text/html;base64,PHNjcmlwdD4=)', /href/],
    ['<a href="&#x6a;avascript:alert(1)">x</a>', /href/],
    ['<a href=" java\nscript:alert(1)">x</a>', /href/],
    ['<meta http-equiv="refresh" content="0;url=https://a.example">', /meta|refresh/],
    ['<base href="https://a.example">', /base/],
    ['<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>', /math|style|onerror|<img/],
    ['![x](http://a.example/x.png)', /<img/],
    ['![x](data:image/svg+xml,<svg/onload=alert(1)>)', /<img|<svg/],
    ['<img src="//a.example/x.png">', /<img/],
    ['<img srcset="https://a.example/x.png 2x">', /<img|srcset/],
  ])('cannot do harm with %s', (markdown, forbidden) => {
    expect(renderReadme(markdown)).not.toMatch(forbidden)
  })

  test('names pictures and links to them, so that a reader loads nothing from strangers', () => {
    const rel = 'rel="nofollow ugc noopener noreferrer"'
    const curve = 'https://a.example/curve.png'
    expect(renderReadme(`![A curve](${curve})`)).toContain(`<a href="${curve}" ${rel}>A curve</a>`)
    expect(renderReadme(`<img src="${curve}">`)).toContain(`<a href="${curve}" ${rel}>picture</a>`)
    expect(renderReadme('![A curve](docs/curve.png)')).toContain('<span>A curve</span>')
    const badge = `[![build](${curve})](https://ci.example)`
    expect(renderReadme(badge)).toContain(`<a href="https://ci.example" ${rel}><span>build</span></a>`)
    expect(renderReadme(`${badge} ![A curve](${curve})`)).toContain(`<a href="${curve}" ${rel}>A curve</a>`)
  })

  test('shows the pictures of the trainer itself, from our own origin, and no others', () => {
    const pictures = new Map([['docs/a b.png', '/trainers/acme/x/versions/1.0.0/picture?path=docs%2Fa+b.png']])
    const src = 'src="/trainers/acme/x/versions/1.0.0/picture?path=docs%2Fa+b.png"'
    expect(renderReadme('![A <curve>](./docs/a%20b.png "Loss")', pictures)).toContain(
      `<img ${src} alt="A &lt;curve&gt;" loading="lazy" title="Loss" />`,
    )
    const html = renderReadme('<img src="docs/a b.png" onerror="alert(1)" style="position:fixed">', pictures)
    expect(html).toBe(`<img ${src} alt="" loading="lazy" />`)
    expect(renderReadme('[![A](docs/a%20b.png)](https://ci.example)', pictures)).toContain('<img')
    for (const other of [
      'other.png',
      '../docs/a%20b.png',
      '//docs/a%20b.png',
      '/picture?path=x',
      'https://a.example/x.png',
    ])
      expect(renderReadme(`![x](${other})`, pictures)).not.toContain('<img')
    // The text is cached; another version has other pictures.
    expect(renderReadme('![A <curve>](./docs/a%20b.png "Loss")')).not.toContain('<img')
  })

  test('marks its links as user content', () => {
    const html = renderReadme('[site](https://a.example) [file](docs/more.md)')
    expect(html).toContain('<a href="https://a.example" rel="nofollow ugc noopener noreferrer">site</a>')
    expect(html).toContain('<a>file</a>')
  })

  test('is cut when it is very long', () => {
    expect(renderReadme('a'.repeat(MAX_README_LENGTH * 2)).length).toBeLessThan(MAX_README_LENGTH + 100)
  })

  // What backtracks without end runs into the limit of every test.
  test.each(['> ', '1. ', '_a', 'a_b*', '**a', '<div>', '['])('made of endless %s is still rendered', (piece) => {
    expect(renderReadme(`${piece.repeat(60_000)}<script>`)).not.toContain('<script')
  })

  test('that overflows the parser is shown as plain text', () => {
    expect(renderReadme(`${'> '.repeat(20_000)}<b>deep`)).toContain('&gt; &lt;b&gt;deep</pre>')
  })
})
