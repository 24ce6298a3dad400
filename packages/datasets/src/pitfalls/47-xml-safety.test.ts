import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readVoc } from '../formats/voc/read.ts'
import { countLosses, readAll, temporaryFolder } from '../testing/dataset-formats.ts'
import { parseXml } from '../xml/parse-xml.ts'
import { writeXml } from '../xml/write-xml.ts'

it.each([
  ['entities that grow', '<!DOCTYPE a [<!ENTITY x "xxxxxxxx"><!ENTITY y "&x;&x;&x;">]><annotation>&y;</annotation>'],
  ['entities that read files', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>'],
  ['an external DOCTYPE', '<!DOCTYPE annotation SYSTEM "http://127.0.0.1/a.dtd"><annotation/>'],
  ['undeclared entities', '<annotation><filename>&secret;</filename></annotation>'],
  ['elements without end', '<a>'.repeat(100_000)],
  ['a tag that is none', '<annotation><object <name>x</name></object></annotation>'],
  ['elements that cross', '<annotation><a><b></a></b></annotation>'],
  ['two documents', '<annotation/><annotation/>'],
  ['nothing', '   '],
])('pitfall 47: %s are refused', async (_what, text) => {
  using folder = temporaryFolder({ '1.xml': text })
  await expect(readVoc(folder.dir)).rejects.toThrow(/1\.xml/)
})

it('pitfall 47: boxes of parts are not objects', async () => {
  const box = (side: number) => `<bndbox><xmin>0</xmin><ymin>0</ymin><xmax>${side}</xmax><ymax>${side}</ymax></bndbox>`
  const part = (name: string) => `<part><name>${name}</name>${box(3)}</part>`
  using folder = temporaryFolder({
    '1.xml': `<annotation><object>${part('head')}<name>person</name>${box(50)}${part('hand')}</object></annotation>`,
  })
  const reader = await readVoc(folder.dir)
  expect(reader.classes.map(({ name }) => name)).toEqual(['person'])
  const { records } = await readAll(reader)
  expect(records[0]?.annotations).toEqual([{ kind: 'box', classId: 0, bbox: [0, 0, 50, 50] }])
})

it('pitfall 47: names outside of the class list are counted and get no number', async () => {
  const object = (name: string) =>
    `<object><name>${name}</name><bndbox><xmin>0</xmin><ymin>0</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></object>`
  using folder = temporaryFolder({
    '1.xml': `<annotation>${object('cat')}${object('unicorn')}${object('constructor')}</annotation>`,
    'labelmap.txt': '# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:128,0,0::\n',
  })
  const reader = await readVoc(folder.dir)
  const { records, losses } = await readAll(reader)
  expect(reader.classes.map(({ name }) => name)).toEqual(['cat'])
  expect(records[0]?.annotations.map(({ classId }) => classId)).toEqual([0])
  expect(countLosses(losses)).toEqual({ 'annotation-of-unknown-class': 2 })
})

it('pitfall 47: comments, CDATA, instructions, references and other encodings are read', async () => {
  const root = parseXml(
    '\ufeff<?xml version="1.0"?><!-- <x> --><a b="1 > 0" c=\'2\'>\n<t>a&amp;b &#x41;&#66; <![CDATA[<raw & text>]]></t><e/></a>\n',
    'a.xml',
  )
  expect(root).toEqual({
    name: 'a',
    text: '',
    attributes: new Map([
      ['b', '1 > 0'],
      ['c', '2'],
    ]),
    children: [
      { name: 't', text: 'a&b AB <raw & text>', attributes: new Map(), children: [] },
      { name: 'e', text: '', attributes: new Map(), children: [] },
    ],
  })
  const text = '<?xml version="1.0" encoding="utf-16"?><annotation><filename>é.png</filename></annotation>'
  using folder = temporaryFolder({ '1.xml': Buffer.from(`\ufeff${text}`, 'utf16le') })
  expect((await readAll(await readVoc(folder.dir))).records[0]?.path).toBe('é.png')
})

it('pitfall 47: any text that XML can hold is the same after a round trip', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const read = parseXml(writeXml(['a', [['t', text]]]), 'a.xml').children[0]?.text
      expect(read).toBe(text.replace(/\p{Surrogate}/gu, '\ufffd').trim())
    }),
  )
})
