/** An element: its text, or its children. */
export type XmlNode = readonly [name: string, content: string | number | readonly XmlNode[]]

/** Indented with tabs, as the devkit has it, with a newline at the end. Names of elements are ours and not escaped. */
export function writeXml(node: XmlNode, indent = ''): string {
  const [name, content] = node
  if (typeof content !== 'object') return `${indent}<${name}>${escapeXml(String(content))}</${name}>\n`
  if (content.length === 0) return `${indent}<${name}/>\n`
  return `${indent}<${name}>\n${content.map((child) => writeXml(child, `${indent}\t`)).join('')}${indent}</${name}>\n`
}

/** Characters that XML 1.0 cannot hold at all become U+FFFD. Readers trim the text. */
function escapeXml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced here
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replace(/[\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`)
  )
}
