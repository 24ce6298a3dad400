import type { DatasetDescription } from './describe-dataset.ts'
import { type Bar, barChart, countText, escapeHtml, heatMap } from './report-charts.ts'
import type { Bin } from './survey.ts'

/** A picture of the report: a data URL, and what is on it. */
export interface ReportPicture {
  src: string
  width: number
  height: number
  path: string
  /** Why the pixels are not shown. */
  missing?: string | undefined
}

export interface ReportPageOptions {
  title: string
  pictures: readonly ReportPicture[]
  /** Said instead of the pictures when there is none. */
  withoutPictures?: string | undefined
}

const MAX_CLASSES = 200

/** One HTML page without scripts and without anything from elsewhere. Light and dark, and readable on a phone. */
export function renderReportPage(description: DatasetDescription, options: ReportPageOptions): string {
  const { format, taskType, images, labelled, annotations, classes } = description
  const title = escapeHtml(options.title)
  const facts = [
    [countText(images), 'images'],
    [countText(images - labelled), 'without objects'],
    [countText(annotations), 'objects'],
    [countText(classes.length), classes.length === 1 ? 'class' : 'classes'],
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}: dataset report</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="quiet">${escapeHtml(format)}, ${escapeHtml(taskType)}</p>
<dl class="facts">${facts.map(([count, name]) => `<div><dt>${name}</dt><dd>${count}</dd></div>`).join('')}</dl>
${findingsSection(description)}
${splitsSection(description)}
${classesSection(description)}
${distributionSections(description)}
${picturesSection(options)}
</main>
</body>
</html>
`
}

function findingsSection({ findings }: DatasetDescription): string {
  if (findings.length === 0) return '<section><h2>Health</h2><p>No errors.</p></section>'
  const items = findings.map(({ severity, code, text, count, examples }) => {
    const shown = examples.map((example) => `<li><code>${escapeHtml(example)}</code></li>`).join('')
    const more = count > examples.length ? `<li class="quiet">and ${countText(count - examples.length)} more</li>` : ''
    return `<details class="${severity}"><summary><strong>${severity}</strong> ${escapeHtml(text)} (${countText(count)}) <code>${escapeHtml(code)}</code></summary><ul>${shown}${more}</ul></details>`
  })
  return `<section><h2>Health</h2>${items.join('\n')}</section>`
}

function splitsSection({ splits }: DatasetDescription): string {
  const rows = Object.entries(splits)
    .filter(([, { images }]) => images > 0)
    .map(
      ([name, { images, annotations }]) =>
        `<tr><th scope="row">${name}</th><td>${countText(images)}</td><td>${countText(annotations)}</td></tr>`,
    )
  return `<section><h2>Splits</h2><table><thead><tr><th scope="col">Split</th><th scope="col">Images</th><th scope="col">Objects</th></tr></thead><tbody>${rows.join('')}</tbody></table></section>`
}

function classesSection({ classes, statistics }: DatasetDescription): string {
  const most = Math.max(1, ...classes.map(({ annotations }) => annotations))
  const sorted = [...classes].sort((a, b) => b.annotations - a.annotations || a.id - b.id)
  const rows = sorted.slice(0, MAX_CLASSES).map(({ id, name, images, annotations, splits }) => {
    const side = statistics.classSides[id]
    return (
      `<tr><th scope="row"><bdi>${escapeHtml(name)}</bdi></th><td>${countText(images)}</td>` +
      `<td>${countText(annotations)}<span class="meter" style="--share:${(annotations / most).toFixed(4)}"></span></td>` +
      `<td>${countText(splits.train)}</td><td>${countText(splits.val)}</td><td>${countText(splits.test)}</td>` +
      `<td>${side === undefined ? '' : `${(side * 100).toFixed(1)} %`}</td></tr>`
    )
  })
  const more =
    classes.length > MAX_CLASSES
      ? `<p class="quiet">and ${countText(classes.length - MAX_CLASSES)} more classes</p>`
      : ''
  const heads = ['Class', 'Images', 'Objects', 'train', 'val', 'test', 'Mean side']
  return (
    `<section><h2>Classes</h2><div class="scroll" tabindex="0" role="region" aria-label="Classes"><table><thead><tr>` +
    `${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table></div>${more}</section>`
  )
}

function distributionSections({ statistics, annotations, sizes }: DatasetDescription): string {
  const charts = [
    barChart('Objects on an image', toBars(statistics.objectsPerImage, countLabel), 'images'),
    barChart(
      'Sizes of images',
      statistics.imageSizes.map(({ width, height, images }) => ({ label: `${width} × ${height}`, count: images })),
      'images',
    ),
    barChart('Width ÷ height of images', toBars(statistics.imageAspects, ratioLabel), 'images'),
    barChart(
      'Types of files',
      statistics.imageTypes.map(({ type, images }) => ({ label: type, count: images })),
      'images',
    ),
  ]
  if (annotations > 0 && sizes.boxes !== undefined) {
    charts.push(
      barChart('Side of boxes, of the image', toBars(statistics.boxSides, percentLabel), 'boxes'),
      barChart('Width ÷ height of boxes', toBars(statistics.boxAspects, ratioLabel), 'boxes'),
      heatMap('Centres of boxes', statistics.boxCentres),
    )
  }
  return `<section><h2>Distributions</h2><div class="charts">${charts.join('\n')}</div></section>`
}

function picturesSection({ pictures, withoutPictures }: ReportPageOptions): string {
  if (pictures.length === 0)
    return withoutPictures === undefined
      ? ''
      : `<section><h2>Pictures</h2><p class="quiet">${escapeHtml(withoutPictures)}</p></section>`
  const tiles = pictures.map(
    ({ src, width, height, path, missing }) =>
      `<figure><img src="${src}" width="${width}" height="${height}" alt="${escapeHtml(path)} with its objects" decoding="async"><figcaption><bdi>${escapeHtml(path)}</bdi>${missing === undefined ? '' : ` (${escapeHtml(missing)})`}</figcaption></figure>`,
  )
  return `<section><h2>Pictures</h2><div class="pictures">${tiles.join('\n')}</div></section>`
}

/** Empty bins at both ends are left out. */
function toBars(bins: readonly Bin[], label: (bin: Bin) => string): Bar[] {
  const first = bins.findIndex(({ count }) => count > 0)
  const last = bins.findLastIndex(({ count }) => count > 0)
  return first === -1 ? [] : bins.slice(first, last + 1).map((bin) => ({ label: label(bin), count: bin.count }))
}

function countLabel({ from, to }: Bin): string {
  if (to === from + 1) return String(from)
  return to === Number.POSITIVE_INFINITY ? `${from} and more` : `${from} to ${to - 1}`
}

function percentLabel({ from, to }: Bin): string {
  const percent = (share: number) => Math.round(share * 100)
  return to === Number.POSITIVE_INFINITY ? `from ${percent(from)} %` : `${percent(from)} to ${percent(to)} %`
}

function ratioLabel({ from, to }: Bin): string {
  if (from > 0.9 && to < 1.1) return 'square'
  const ratio = (value: number) => (value < 1 ? `1:${round(1 / value)}` : `${round(value)}:1`)
  const round = (value: number) => Number(value.toFixed(1))
  if (from === 0) return `below ${ratio(to)}`
  return to === Number.POSITIVE_INFINITY ? `from ${ratio(from)}` : `${ratio(from)} to ${ratio(to)}`
}

const STYLE = `
:root { --ink: #1d2126; --quiet: #59636e; --paper: #fff; --line: #d5dbe1; --bar: #2f6fde; --red: #b3261e; --amber: #8a5a00 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebee; --quiet: #a4aeb8; --paper: #15181c; --line: #363d45; --bar: #79a6ff; --red: #ff8a80; --amber: #f2c063 } }
* { box-sizing: border-box }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem 1rem 4rem }
h1 { margin: 0; font-size: 1.75rem; overflow-wrap: anywhere } h2 { margin: 2.5rem 0 .75rem; font-size: 1.25rem } h3 { margin: 0 0 .5rem; font-size: 1rem }
.quiet { color: var(--quiet); margin: .25rem 0 }
.facts { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; margin: 1.25rem 0 0 } .facts div { display: flex; flex-direction: column-reverse }
.facts dt { color: var(--quiet) } .facts dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums }
details { border: 1px solid var(--line); border-left-width: 4px; border-radius: 4px; padding: .5rem .75rem; margin: .5rem 0; overflow-wrap: anywhere }
.error { border-left-color: var(--red) } .error strong { color: var(--red) } .warning { border-left-color: var(--amber) } .warning strong { color: var(--amber) }
summary { cursor: pointer } code { font-size: .875em }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums } th, td { padding: .35rem .75rem; border-bottom: 1px solid var(--line); text-align: right; position: relative } th:first-child { text-align: left; overflow-wrap: anywhere; min-width: 7rem }
.scroll { overflow-x: auto } .meter { display: block; height: 4px; margin-top: 2px; border-radius: 2px; background: var(--bar); width: calc(var(--share) * 100%); margin-left: auto }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); gap: 2rem } .chart svg { width: 100%; height: auto; display: block } .chart text { fill: var(--ink); font: 12px system-ui, sans-serif } .chart .count { fill: var(--quiet) } .chart rect { fill: var(--bar) }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr)); gap: 1rem } figure { margin: 0 } figure img { width: 100%; height: auto; display: block; border: 1px solid var(--line) } figcaption { color: var(--quiet); font-size: .875rem; overflow-wrap: anywhere }
`
